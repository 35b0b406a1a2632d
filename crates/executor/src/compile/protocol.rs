//! What goes over the pipes between this process and its compile child.
//!
//! Request: magic, key, nonce, fingerprint, memory limit, CPU limit, form, length, guest. Reply: magic, tag, length,
//! payload. Numbers are little-endian. The child has confined itself before it reads the guest.
//!
//! The key is new for each compilation and travels with the request, so the seal says: *this* child, asked for *this*
//! guest, answered *this*. It guards against a wrong program, a torn pipe and a mix-up; it cannot guard against a
//! compiler that was subverted by the guest, which is why the child is confined.

use std::io::{self, Read};

use crate::artifact::MAX_ARTIFACT_BYTES;
use crate::artifact::seal::TAG_BYTES;
use crate::guest::{Form, MAX_GUEST_BYTES};

const REQUEST_MAGIC: &[u8; 8] = b"BWCREQ01";
const REPLY_MAGIC: &[u8; 8] = b"BWCREP01";
const REQUEST_HEADER_BYTES: usize = 8 + 32 + 16 + 32 + 8 + 8 + 1 + 8;
pub(super) const REPLY_HEADER_BYTES: usize = 8 + TAG_BYTES + 8;

/// The largest payload of a reply, in bytes: an artifact and its letter.
const MAX_PAYLOAD_BYTES: usize = 1 + MAX_ARTIFACT_BYTES;

/// A payload that begins with this letter is a [`crate::load::Refusal`] in JSON; every other is an artifact.
pub(super) const REFUSAL: u8 = b'R';

/// All but the guest.
pub(super) struct RequestHeader {
    pub(super) key: [u8; 32],
    pub(super) nonce: [u8; 16],
    pub(super) fingerprint: [u8; 32],
    /// Address space, in bytes.
    pub(super) memory: u64,
    pub(super) cpu_seconds: u64,
    pub(super) form: Form,
    pub(super) guest_bytes: usize,
}

impl RequestHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(REQUEST_HEADER_BYTES);
        bytes.extend_from_slice(REQUEST_MAGIC);
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.fingerprint);
        bytes.extend_from_slice(&self.memory.to_le_bytes());
        bytes.extend_from_slice(&self.cpu_seconds.to_le_bytes());
        bytes.push(match self.form {
            Form::Component => 0,
            Form::CoreModule => 1,
            Form::Text => 2,
            Form::Source => 3, // never asked for, and not understood
        });
        bytes.extend_from_slice(&u64::try_from(self.guest_bytes).unwrap_or(u64::MAX).to_le_bytes());
        bytes
    }

    /// Reads exactly the header.
    pub(super) fn read(from: &mut impl Read) -> io::Result<RequestHeader> {
        if array::<8>(from)? != *REQUEST_MAGIC {
            return Err(malformed("not a compile request"));
        }
        let header = RequestHeader {
            key: array(from)?,
            nonce: array(from)?,
            fingerprint: array(from)?,
            memory: u64::from_le_bytes(array(from)?),
            cpu_seconds: u64::from_le_bytes(array(from)?),
            form: match array(from)? {
                [0] => Form::Component,
                [1] => Form::CoreModule,
                [2] => Form::Text,
                _ => return Err(malformed("unknown form of guest")),
            },
            guest_bytes: usize::try_from(u64::from_le_bytes(array(from)?)).unwrap_or(usize::MAX),
        };
        if header.guest_bytes > MAX_GUEST_BYTES {
            return Err(malformed("the guest is too large"));
        }
        Ok(header)
    }

    /// Reads the guest and makes sure that nothing follows.
    pub(super) fn read_guest(&self, from: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut guest = vec![0; self.guest_bytes];
        from.read_exact(&mut guest)?;
        match from.read(&mut [0])? {
            0 => Ok(guest),
            _ => Err(malformed("bytes after the guest")),
        }
    }
}

/// What the child answers, before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplyHeader {
    pub(super) tag: [u8; TAG_BYTES],
    pub(super) payload_bytes: usize,
}

impl ReplyHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(REPLY_HEADER_BYTES);
        bytes.extend_from_slice(REPLY_MAGIC);
        bytes.extend_from_slice(&self.tag);
        bytes.extend_from_slice(&u64::try_from(self.payload_bytes).unwrap_or(u64::MAX).to_le_bytes());
        bytes
    }

    /// `None` when the bytes are something else, or announce more than is accepted.
    pub(super) fn decode(bytes: &[u8; REPLY_HEADER_BYTES]) -> Option<ReplyHeader> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (tag, length) = rest.split_first_chunk::<TAG_BYTES>()?;
        let payload_bytes = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        (magic == REPLY_MAGIC && payload_bytes <= MAX_PAYLOAD_BYTES).then_some(ReplyHeader { tag: *tag, payload_bytes })
    }
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn malformed(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(guest: &[u8]) -> Vec<u8> {
        let header = RequestHeader {
            key: [1; 32],
            nonce: [2; 16],
            fingerprint: [3; 32],
            memory: 4,
            cpu_seconds: 5,
            form: Form::Text,
            guest_bytes: guest.len(),
        };
        [header.encode(), guest.to_vec()].concat()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut from = bytes;
        RequestHeader::read(&mut from)?.read_guest(&mut from)
    }

    #[test]
    fn a_request_is_read_back_whole_or_not_at_all() {
        let good = request(b"(module)");
        assert_eq!(read(&good).unwrap(), b"(module)");
        for len in 0..good.len() {
            assert!(read(&good[..len]).is_err(), "accepted {len} bytes");
        }
        assert!(read(&[&good[..], b"x"].concat()).is_err());
        assert!(read(&request(b"")).unwrap().is_empty());
    }

    #[test]
    fn a_request_for_an_enormous_guest_allocates_nothing() {
        let mut bytes = request(b"");
        let at = bytes.len() - 8;
        bytes[at..].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_reply_is_read_back_and_its_length_is_bounded() {
        let header = ReplyHeader { tag: [9; TAG_BYTES], payload_bytes: 4 };
        let good: [u8; REPLY_HEADER_BYTES] = header.encode().try_into().unwrap();
        assert_eq!(ReplyHeader::decode(&good), Some(header));
        let mut bad = good;
        bad[0] ^= 1;
        assert_eq!(ReplyHeader::decode(&bad), None);
        for payload_bytes in [MAX_PAYLOAD_BYTES + 1, usize::MAX] {
            let enormous = ReplyHeader { tag: [9; TAG_BYTES], payload_bytes };
            assert_eq!(ReplyHeader::decode(&enormous.encode().try_into().unwrap()), None);
        }
    }
}
