//! A resolver and a dialer that tests control and watch.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use bailiwick_host::fetch::{Dialer, Pending, Resolver, Stream};
use bailiwick_host::files::Mounts;
use bailiwick_host::{Host, Services};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Server;

const PUBLIC: &str = "93.184.215.14";

/// Host names with a queue of answers each; the last answer stays.
#[derive(Clone, Default)]
pub struct Names {
    answers: Arc<Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>>,
    hangs: bool,
}

/// Where dialled addresses really lead, whatever they are.
#[derive(Clone)]
pub struct Network {
    dials: Arc<Mutex<Vec<SocketAddr>>>,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Tcp(SocketAddr),
    Memory(Arc<Server>),
    Refuse,
    Hang,
}

/// Names that lead to one public address.
pub fn public(names: &str) -> Names {
    names.split(' ').fold(Names::default(), |all, name| all.then(name, PUBLIC))
}

impl Names {
    pub fn then(self, name: &str, addresses: &str) -> Names {
        let addresses = addresses.split_whitespace().map(|address| address.parse().unwrap()).collect();
        self.answers.lock().unwrap().entry(name.to_owned()).or_default().push_back(addresses);
        self
    }

    pub fn hanging() -> Names {
        Names { hangs: true, ..Names::default() }
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            if self.hangs {
                pending::<()>().await;
            }
            let mut answers = self.answers.lock().unwrap();
            let queue = answers.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
            Ok(if queue.len() > 1 { queue.pop_front().unwrap() } else { queue[0].clone() })
        })
    }
}

impl Network {
    /// Connections through the operating system to the server's listener.
    pub async fn tcp(server: &Arc<Server>) -> Network {
        Network { dials: Arc::default(), way: Way::Tcp(server.listen().await) }
    }

    /// Connections in memory, for tests that control the clock.
    pub fn memory(server: &Arc<Server>) -> Network {
        Network { dials: Arc::default(), way: Way::Memory(Arc::clone(server)) }
    }

    pub fn refusing() -> Network {
        Network { dials: Arc::default(), way: Way::Refuse }
    }

    pub fn hanging() -> Network {
        Network { dials: Arc::default(), way: Way::Hang }
    }

    /// Every address that was about to be dialled.
    pub fn dials(&self) -> Vec<String> {
        self.dials.lock().unwrap().iter().map(SocketAddr::to_string).collect()
    }

    pub fn services(&self, names: &Names) -> Services {
        self.services_with(names, RootCertStore::empty())
    }

    pub fn services_with(&self, names: &Names, roots: RootCertStore) -> Services {
        Services::builder().resolver(names.clone()).dialer(self.clone()).with_roots(roots).build()
    }

    pub fn host(&self, names: &Names) -> Host {
        self.services(names).host(Mounts::default())
    }
}

impl Dialer for Network {
    fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        self.dials.lock().unwrap().push(address);
        Box::pin(async move {
            let stream: Box<dyn Stream> = match &self.way {
                Way::Tcp(address) => Box::new(TcpStream::connect(address).await?),
                Way::Memory(server) => {
                    let (ours, theirs) = tokio::io::duplex(4096);
                    tokio::spawn(Arc::clone(server).serve(theirs));
                    Box::new(ours)
                }
                Way::Refuse => return Err(io::ErrorKind::ConnectionRefused.into()),
                Way::Hang => pending().await,
            };
            Ok(stream)
        })
    }
}

/// A certificate for one name, and what trusts it.
pub struct Certified {
    pub roots: RootCertStore,
    pub acceptor: TlsAcceptor,
}

pub fn certify(name: &str, protocols: &[&str]) -> Certified {
    certify_for(name, protocols, 1975..4096)
}

/// The same, valid from the first of January of one year to that of another.
pub fn certify_for(name: &str, protocols: &[&str], years: std::ops::Range<i32>) -> Certified {
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    let signing_key = rcgen::KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Certified { roots, acceptor: TlsAcceptor::from(Arc::new(config)) }
}
