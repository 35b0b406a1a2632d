//! Which part of the Internet an address belongs to.
//!
//! From the IANA special-purpose address registries (RFC 6890 and what was added since) and the documentation of the
//! large clouds' metadata services. An address that carries an IPv4 address inside is judged by that one too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address is from public. Stricter is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// Globally reachable: any allowed request may go there.
    Public,
    /// Loopback, private, shared and unique local addresses: the rule must say `private`.
    Private,
    /// Link-local, metadata services, documentation, benchmarking, reserved: the rule must say `private`, and the URL
    /// must contain the address itself, so that no name can lead there.
    Special,
    /// Unspecified, multicast, broadcast: nothing can be fetched from there.
    Never,
}

impl Zone {
    /// Whether a request under a rule that says `private` or not may go there. `literal`: its URL contains the address.
    pub fn admits(self, private: bool, literal: bool) -> bool {
        match self {
            Zone::Public => true,
            Zone::Private => private,
            Zone::Special => private && literal,
            Zone::Never => false,
        }
    }

    /// The word for it in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Zone::Public => "public",
            Zone::Private => "private",
            Zone::Special => "special",
            Zone::Never => "never",
        }
    }
}

/// The zone of an address.
pub fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_v4(address),
        IpAddr::V6(address) => zone_v6(address),
    }
}

fn zone_v4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        [0, ..] | [224..=239, ..] | [255, 255, 255, 255] => Zone::Never,
        // Alibaba's and Volcano Engine's metadata services lie in shared address space, Azure's in public.
        [100, 100, 100, 200] | [100, 96, 0, 96] | [168, 63, 129, 16] => Zone::Special,
        [10, ..] | [127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Zone::Private,
        [169, 254, ..] => Zone::Special,
        // IETF protocol assignments (with Oracle's metadata service), documentation, the 6to4 relay, AS112, AMT.
        [192, 0, 0, _] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Zone::Special,
        [192, 88, 99, _] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => Zone::Special,
        [198, 18..=19, ..] | [240..=255, ..] => Zone::Special,
        _ => Zone::Public,
    }
}

/// INVARIANT: an address that can be read in several ways is as far from public as the strictest of them.
fn zone_v6(address: Ipv6Addr) -> Zone {
    let segments = address.segments();
    range_v6(segments).max(carried_v4(segments)).max(isatap_v4(segments))
}

/// The range that an address lies in. Those that carry an IPv4 address are as public as that.
fn range_v6(segments: [u16; 8]) -> Zone {
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => Zone::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Zone::Private,
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x2001, 0, ..] | [0x2002, ..] => Zone::Public,
        // Metadata services of AWS, Google Cloud, Oracle, Scaleway and Akamai, and what else AWS serves beside its own.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => Zone::Special,
        [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe] | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42] => Zone::Special,
        [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1] => Zone::Special,
        [0xfc00..=0xfdff, ..] => Zone::Private,
        // IETF protocol assignments with benchmarking and ORCHID, documentation, AS112.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Zone::Special,
        [0x2620, 0x4f, 0x8000, ..] => Zone::Special,
        [0x2000..=0x3fff, ..] => Zone::Public,
        // IPv4-compatible and -translated (RFC 2765) addresses, which are not in use; link-local, site-local, discard-only,
        // segment routing, local NAT64, and all that is not allocated.
        _ => Zone::Special,
    }
}

/// What the IPv4 address inside is, where the range says that there is one.
fn carried_v4(segments: [u16; 8]) -> Zone {
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Zone::Public,
        [0, 0, 0, 0, 0, 0 | 0xffff, g, h] | [0, 0, 0, 0, 0xffff, 0, g, h] => zone_v4(v4(g, h)),
        // NAT64, by the well-known prefix and, with a prefix of 96 bits, by a local one.
        [0x64, 0xff9b, 0, 0, 0, 0, g, h] | [0x64, 0xff9b, 1, _, _, _, g, h] => zone_v4(v4(g, h)),
        // Teredo: the server, and the client's address with its bits inverted.
        [0x2001, 0, c, d, _, _, g, h] => zone_v4(v4(c, d)).max(zone_v4(v4(!g, !h))),
        [0x2002, b, c, ..] => zone_v4(v4(b, c)),
        _ => Zone::Public,
    }
}

/// What the IPv4 address in an ISATAP interface identifier is, in whichever network.
fn isatap_v4(segments: [u16; 8]) -> Zone {
    match segments {
        [.., 0x0000 | 0x0200, 0x5efe, g, h] => zone_v4(v4(g, h)),
        _ => Zone::Public,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_range_is_known_at_both_ends() {
        for (expected, addresses) in [
            (
                Zone::Public,
                "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.215.14 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
                 168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 \
                 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.112.255 203.0.114.0 223.255.255.255 \
                 2606:4700:4700::1111 2a00:1450:4001:81b::200e 2001:200:: 64:ff9b::808:808 2002:808:808:: ::ffff:8.8.8.8 \
                 2001:0:808:808::f7f7:f7f7 2600::5efe:808:808",
            ),
            (
                Zone::Private,
                "10.0.0.0 10.255.255.255 127.0.0.1 127.255.255.254 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 \
                 100.96.0.95 100.127.255.255 ::1 fc00::1 fdff:ffff::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 \
                 2002:7f00:1:: 2002:c0a8:101::1 2001:0:808:808::80ff:fffe 2001:0:a00:1::f7f7:f7f7 2600::5efe:a00:1 \
                 2600::200:5efe:a00:1",
            ),
            (
                Zone::Special,
                "169.254.0.1 169.254.169.254 168.63.129.16 100.100.100.200 192.0.0.1 192.0.0.192 192.0.2.1 198.51.100.255 \
                 203.0.113.0 198.18.0.0 198.19.255.255 192.88.99.1 240.0.0.1 255.255.255.254 fe80::1 febf::1 fec0::1 \
                 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42 fd00:a9fe:a9fe::1 100.96.0.96 \
                 192.31.196.1 192.52.193.1 192.175.48.1 2620:4f:8000::1 2001:4:112::1 2001:3::1 2001:30::1 100:0:0:1::1 \
                 fe80::5efe:808:808 fe80::200:5efe:808:808 2001:db8::5efe:808:808 4000::5efe:808:808 100::5efe:808:808 \
                 64:ff9b:1::7f00:1 64:ff9b:1::5efe:808:808 2002:808:808::5efe:a9fe:a9fe 2001:db8::1 3fff:fff::1 2001:2::1 2001:10::1 2001:20::1 100::1 5f00::1 \
                 64:ff9b:1::a00:1 64:ff9b:1::808:808 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe:: \
                 ::8.8.8.8 ::127.0.0.1 ::ffff:0:8.8.8.8 4000::1",
            ),
            (
                Zone::Never,
                "0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.255 255.255.255.255 :: ::2 ff02::1 ff0e::1 ::ffff:0.0.0.0 \
                 ::ffff:224.0.0.1 64:ff9b::e000:1 2002:e000:1:: \
                 64:ff9b:1::e000:1 fe80::5efe:e000:1",
            ),
        ] {
            for text in addresses.split_whitespace() {
                assert_eq!(zone(text.parse().unwrap()), expected, "{text}");
            }
        }
    }

    #[test]
    fn only_a_literal_reaches_a_special_address() {
        assert!(Zone::Public.admits(false, false));
        assert!(!Zone::Private.admits(false, true) && Zone::Private.admits(true, false));
        assert!(!Zone::Special.admits(true, false) && Zone::Special.admits(true, true));
        assert!(!Zone::Special.admits(false, true) && !Zone::Never.admits(true, true));
    }
}
