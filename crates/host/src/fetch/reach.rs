//! Where a host leads, and whether a request may go there.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bailiwick_policy::{Zone, zone};

use super::dial::Resolver;

/// Resolving a name may take this long.
const RESOLVE_DEADLINE: Duration = Duration::from_secs(10);

/// The addresses of a host, each with its zone. Nothing was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    addresses: Vec<(IpAddr, Zone)>,
    /// The URL contains the address.
    literal: bool,
}

impl Reach {
    /// Where `host` leads, as a URL writes it: to itself if it is an address, which stands in brackets for IPv6, or else
    /// to all that the resolver answers.
    ///
    /// # Errors
    /// What the resolver says; `TimedOut` after 10 s; `NotFound` when there are no addresses.
    pub async fn of(host: &str, resolver: &dyn Resolver) -> io::Result<Reach> {
        if let Some(reach) = Reach::literal(host) {
            return Ok(reach);
        }
        let answers = tokio::time::timeout(RESOLVE_DEADLINE, resolver.resolve(host)).await??;
        if answers.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let addresses = answers.into_iter().map(|address| (address, zone(address))).collect();
        Ok(Reach { addresses, literal: false })
    }

    /// The same for a host that is an address.
    pub fn literal(host: &str) -> Option<Reach> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let address: IpAddr = bare.parse().ok()?;
        Some(Reach { addresses: vec![(address, zone(address))], literal: true })
    }

    /// In the order in which they are dialled.
    pub fn addresses(&self) -> &[(IpAddr, Zone)] {
        &self.addresses
    }

    /// The first address that keeps a request, under a rule that says `private` or not, from going to this host.
    ///
    /// INVARIANT: one bad answer spoils the name. Dialling only the good ones would let a name that answers both be asked
    /// again until the bad one comes first somewhere else.
    pub fn obstacle(&self, private: bool) -> Option<(IpAddr, Zone)> {
        self.addresses.iter().copied().find(|(_, zone)| !zone.admits(private, self.literal))
    }
}
