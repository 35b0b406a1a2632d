//! The forms in which common types cross.

use bailiwick_policy::Code;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::value::{read, write};
use super::{Crossed, Place, Unwritable};
use crate::{Budget, CallError, Denied, HostError, StopCause};

/// Bytes of the length of a head, at the very end.
const LENGTH: usize = size_of::<u32>();

/// Adds `head` to `payload`, which may be large and is not copied. [`split`] takes them apart.
///
/// # Errors
/// When `head` must describe itself, or is longer than 4 GiB.
pub fn join(mut payload: Vec<u8>, head: &impl Serialize) -> Result<Vec<u8>, Unwritable> {
    let head = write(head)?;
    let length = u32::try_from(head.len()).map_err(|_| Unwritable)?;
    payload.extend_from_slice(&head);
    payload.extend_from_slice(&length.to_le_bytes());
    Ok(payload)
}

/// The payload and the head of what [`join`] made.
pub fn split<H: DeserializeOwned>(bytes: &[u8]) -> Option<(&[u8], H)> {
    let (rest, length) = bytes.split_last_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (payload, head) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
    Some((payload, read(head)?))
}

impl<T: Serialize + DeserializeOwned> Crossed for Vec<T> {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        write(self)
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<Vec<T>> {
        read(bytes)
    }
}

impl Crossed for Bytes {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        Ok(self.to_vec())
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(bytes))
    }
}

impl<T: Crossed> Crossed for Option<T> {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let Some(value) = self else { return Ok(vec![0]) };
        let mut bytes = value.write()?;
        bytes.push(1);
        Ok(bytes)
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Option<T>> {
        match bytes.split_last()? {
            (0, []) => Some(None),
            (1, rest) => T::read(rest, place).map(Some),
            _ => None,
        }
    }
}

impl<T: Crossed, E: Crossed> Crossed for Result<T, E> {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let (mut bytes, tag) = match self {
            Ok(value) => (value.write()?, 1),
            Err(error) => (error.write()?, 0),
        };
        bytes.push(tag);
        Ok(bytes)
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Result<T, E>> {
        match bytes.split_last()? {
            (1, rest) => T::read(rest, place).map(Ok),
            (0, rest) => E::read(rest, place).map(Err),
            _ => None,
        }
    }
}

/// How something ended badly: codes by their texts, which never change their meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Denied(String),
    Failed(String),
    Limit(String),
    Budget(String),
    Revoked,
    Diverged,
}

impl Ending {
    pub(crate) fn of_call(error: CallError) -> Ending {
        Ending::of(match error {
            CallError::Denied(denied) => HostError::Denied(denied.code()),
            CallError::Failed(code) => HostError::Failed(code),
            CallError::Limit(code) => HostError::Limit(code),
            CallError::Stopped(cause) => HostError::Stopped(cause),
        })
    }

    /// As the glue got it in the recorded run.
    pub(crate) fn to_call(&self) -> Option<CallError> {
        Some(match self.to_host()? {
            HostError::Denied(code) => CallError::Denied(Denied::replayed(code)),
            HostError::Failed(code) => CallError::Failed(code),
            HostError::Limit(code) => CallError::Limit(code),
            HostError::Stopped(cause) => CallError::Stopped(cause),
        })
    }

    fn of(error: HostError) -> Ending {
        let text = |code: Code| code.as_str().to_owned();
        match error {
            HostError::Denied(code) => Ending::Denied(text(code)),
            HostError::Failed(code) => Ending::Failed(text(code)),
            HostError::Limit(code) => Ending::Limit(text(code)),
            HostError::Stopped(StopCause::Budget(budget)) => Ending::Budget(budget.as_str().to_owned()),
            HostError::Stopped(StopCause::Revoked) => Ending::Revoked,
            HostError::Stopped(StopCause::Diverged) => Ending::Diverged,
        }
    }

    fn to_host(&self) -> Option<HostError> {
        Some(match self {
            Ending::Denied(code) => HostError::Denied(Code::parse(code)?),
            Ending::Failed(code) => HostError::Failed(Code::parse(code)?),
            Ending::Limit(code) => HostError::Limit(Code::parse(code)?),
            Ending::Budget(budget) => HostError::Stopped(StopCause::Budget(Budget::parse(budget)?)),
            Ending::Revoked => HostError::Stopped(StopCause::Revoked),
            Ending::Diverged => HostError::Stopped(StopCause::Diverged),
        })
    }
}

impl Crossed for HostError {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        write(&Ending::of(*self))
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<HostError> {
        read::<Ending>(bytes)?.to_host()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{crosses, crosses_not};
    use super::*;

    #[test]
    fn plain_values_cross() {
        crosses(&());
        crosses(&true);
        crosses(&4_u8);
        crosses(&-4_i64);
        crosses(&String::from("é"));
        crosses(&vec![0_u8, 255]);
        crosses(&Vec::<u8>::new());
        crosses(&Bytes::from_static(b"a"));
        crosses(&vec!["a".to_owned(), String::new()]);
        crosses(&None::<Vec<u8>>);
        crosses(&Some(Vec::<u8>::new()));
        crosses(&Some(vec![0_u8]));
        crosses_not::<bool>(&[2]);
        crosses_not::<String>(&[1, 0xff]);
        crosses_not::<String>(&[1, b'a', b'b']);
        crosses_not::<Option<Vec<u8>>>(&[]);
        crosses_not::<Option<Vec<u8>>>(&[0, 0]);
        crosses_not::<Option<Vec<u8>>>(&[0, 2]);
    }

    #[test]
    fn every_bad_end_crosses() {
        let ends = [
            HostError::Denied(Code::OutsideMount),
            HostError::Failed(Code::Io),
            HostError::Limit(Code::CallDeadline),
            HostError::Stopped(StopCause::Budget(Budget::HostCalls)),
            HostError::Stopped(StopCause::Budget(Budget::Output)),
            HostError::Stopped(StopCause::Budget(Budget::Disk)),
            HostError::Stopped(StopCause::Budget(Budget::Files)),
            HostError::Stopped(StopCause::Revoked),
        ];
        for end in ends {
            crosses(&end);
            crosses(&Err::<u64, _>(end));
        }
        crosses(&Ok::<u64, HostError>(7));
        crosses_not::<HostError>(&write(&Ending::Failed("failed.no_such_code".to_owned())).unwrap());
        crosses_not::<HostError>(&write(&Ending::Budget("money".to_owned())).unwrap());
        crosses_not::<Result<u64, HostError>>(&[]);
        crosses_not::<Result<u64, HostError>>(&[7, 2]);
    }

    #[test]
    fn a_head_is_found_behind_its_payload() {
        let joined = join(b"payload".to_vec(), &(1_u64, "head")).unwrap();
        assert_eq!(split::<(u64, String)>(&joined), Some((&b"payload"[..], (1, "head".to_owned()))));
        for length in 0..joined.len() {
            assert_eq!(split::<(u64, String)>(&joined[..length]), None, "{length}");
        }
        assert_eq!(split::<()>(&u32::MAX.to_le_bytes()), None);
        assert_eq!(split::<()>(&0_u32.to_le_bytes()), Some((&b""[..], ())));
    }
}
