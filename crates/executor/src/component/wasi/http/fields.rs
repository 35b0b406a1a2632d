//! `fields`: the headers of a message, as a guest puts them together and reads them.

use bailiwick_host::fetch::{MAX_HEADER_BYTES, MAX_HEADERS};
use bailiwick_policy::is_host_header;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue};
use wasmtime::component::Resource;

use super::Http;
use super::error::FieldError;
use super::types::{HeaderError, HostFields};
use crate::component::BadCall;

/// Header fields in their order. Those of a message that was handed over, or came in, do not change any more.
#[derive(Clone, Debug, Default)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Fields {
    list: Vec<(HeaderName, HeaderValue)>,
    is_fixed: bool,
}

impl Fields {
    /// Of a message that came in.
    pub(super) fn received(fields: Vec<(String, Vec<u8>)>) -> Fields {
        let field = |(name, value): (String, Vec<u8>)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(&value).ok()?))
        };
        Fields { list: fields.into_iter().filter_map(field).collect(), is_fixed: true }
    }

    pub(super) fn fixed(self) -> Fields {
        Fields { is_fixed: true, ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn pairs(&self) -> Vec<(String, Vec<u8>)> {
        self.list.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
    }

    /// The announced length of the body, if there is one that is a number.
    pub(super) fn content_length(&self) -> Option<usize> {
        let (_, value) = self.list.iter().find(|(name, _)| name == CONTENT_LENGTH)?;
        value.to_str().ok()?.parse().ok()
    }

    fn all(&self, name: &str) -> Vec<Vec<u8>> {
        let named = self.list.iter().filter(|(other, _)| other.as_str().eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_bytes().to_vec()).collect()
    }

    fn append(&mut self, name: &str, value: &[u8]) -> Result<(), FieldError> {
        let name = self.changing(name)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| HeaderError::InvalidSyntax)?;
        let sizes = self.list.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
        let bytes = sizes.fold(name.as_str().len().saturating_add(value.len()), usize::saturating_add);
        if bytes > MAX_HEADER_BYTES || self.list.len() >= MAX_HEADERS {
            // The interface has no error for it.
            return Err(FieldError::Trap(BadCall("more header fields than a message may have").into()));
        }
        self.list.push((name, value));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), FieldError> {
        let name = self.changing(name)?;
        self.list.retain(|(other, _)| *other != name);
        Ok(())
    }

    /// The name of a field that is about to change.
    fn changing(&self, name: &str) -> Result<HeaderName, FieldError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::InvalidSyntax)?;
        if self.is_fixed {
            return Err(HeaderError::Immutable.into());
        }
        if is_host_header(name.as_str()) && name != CONTENT_LENGTH {
            return Err(HeaderError::Forbidden.into());
        }
        Ok(name)
    }
}

type Handle = Resource<Fields>;

impl HostFields for Http<'_> {
    fn new(&mut self) -> wasmtime::Result<Handle> {
        Ok(self.table.push(Fields::default())?)
    }

    fn from_list(&mut self, entries: Vec<(String, Vec<u8>)>) -> Result<Handle, FieldError> {
        let mut fields = Fields::default();
        for (name, value) in entries {
            fields.append(&name, &value)?;
        }
        Ok(self.table.push(fields)?)
    }

    fn get(&mut self, fields: Handle, name: String) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(self.table.get(&fields)?.all(&name))
    }

    fn has(&mut self, fields: Handle, name: String) -> wasmtime::Result<bool> {
        Ok(!self.table.get(&fields)?.all(&name).is_empty())
    }

    fn set(&mut self, fields: Handle, name: String, values: Vec<Vec<u8>>) -> Result<(), FieldError> {
        let fields = self.table.get_mut(&fields)?;
        let mut changed = fields.clone();
        changed.remove(&name)?;
        for value in values {
            changed.append(&name, &value)?;
        }
        *fields = changed;
        Ok(())
    }

    fn delete(&mut self, fields: Handle, name: String) -> Result<(), FieldError> {
        self.table.get_mut(&fields)?.remove(&name)
    }

    fn append(&mut self, fields: Handle, name: String, value: Vec<u8>) -> Result<(), FieldError> {
        self.table.get_mut(&fields)?.append(&name, &value)
    }

    fn entries(&mut self, fields: Handle) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        Ok(self.table.get(&fields)?.pairs())
    }

    fn clone(&mut self, fields: Handle) -> wasmtime::Result<Handle> {
        let copy = Fields { is_fixed: false, ..self.table.get(&fields)?.clone() };
        Ok(self.table.push(copy)?)
    }

    fn drop(&mut self, fields: Handle) -> wasmtime::Result<()> {
        self.table.delete(fields)?;
        Ok(())
    }
}
