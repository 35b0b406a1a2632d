//! `outgoing-request` and `request-options`: what a guest puts together before it asks.

use bailiwick_policy::MAX_URL;
use wasmtime::component::Resource;

use super::Http;
use super::body::{OutgoingBody, Parcel};
use super::fields::Fields;
use super::types::{Duration, HostOutgoingRequest, HostRequestOptions, Method, Scheme};

/// A request that was not handed over yet.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct OutgoingRequest {
    pub(super) method: Method,
    pub(super) scheme: Option<Scheme>,
    pub(super) authority: Option<String>,
    pub(super) path: Option<String>,
    pub(super) fields: Fields,
    /// Once the guest has asked for its body.
    pub(super) parcel: Option<Parcel>,
}

/// In nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct RequestOptions {
    pub(super) first_byte: Option<Duration>,
    pub(super) between_bytes: Option<Duration>,
}

impl OutgoingRequest {
    /// The method in capitals, as the guest means it.
    pub(super) fn verb(&self) -> &str {
        match &self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Other(name) => name,
        }
    }

    /// The URL, put together and not looked at: that is what parsing it is for.
    pub(super) fn url(&self) -> String {
        let scheme = match &self.scheme {
            None | Some(Scheme::Https) => "https",
            Some(Scheme::Http) => "http",
            Some(Scheme::Other(scheme)) => scheme,
        };
        let path = self.path.as_deref().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{scheme}://{}{slash}{path}", self.authority.as_deref().unwrap_or_default())
    }
}

type Handle = Resource<OutgoingRequest>;
type Options = Resource<RequestOptions>;

impl HostOutgoingRequest for Http<'_> {
    fn new(&mut self, headers: Resource<Fields>) -> wasmtime::Result<Handle> {
        let fields = self.table.delete(headers)?.fixed();
        let (method, scheme, authority, path) = (Method::Get, None, None, None);
        Ok(self.table.push(OutgoingRequest { method, scheme, authority, path, fields, parcel: None })?)
    }

    fn body(&mut self, request: Handle) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let request = self.table.get_mut(&request)?;
        if request.parcel.is_some() {
            return Ok(Err(()));
        }
        let (body, parcel) = OutgoingBody::new(&self.outgoing, request.fields.content_length());
        request.parcel = Some(parcel);
        Ok(Ok(self.table.push(body)?))
    }

    fn method(&mut self, request: Handle) -> wasmtime::Result<Method> {
        Ok(self.table.get(&request)?.method.clone())
    }

    fn set_method(&mut self, request: Handle, method: Method) -> wasmtime::Result<Result<(), ()>> {
        if matches!(&method, Method::Other(name) if http::Method::from_bytes(name.as_bytes()).is_err() || name.len() > 32)
        {
            return Ok(Err(()));
        }
        self.table.get_mut(&request)?.method = method;
        Ok(Ok(()))
    }

    fn path_with_query(&mut self, request: Handle) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&request)?.path.clone())
    }

    fn set_path_with_query(&mut self, request: Handle, path: Option<String>) -> wasmtime::Result<Result<(), ()>> {
        // Anything else would go on with the authority.
        let is_path = |path: &str| path.is_empty() || path.starts_with(['/', '?']);
        if path.as_deref().is_some_and(|path| !is_path(path) || path.len() > MAX_URL) {
            return Ok(Err(()));
        }
        self.table.get_mut(&request)?.path = path;
        Ok(Ok(()))
    }

    fn scheme(&mut self, request: Handle) -> wasmtime::Result<Option<Scheme>> {
        Ok(self.table.get(&request)?.scheme.clone())
    }

    fn set_scheme(&mut self, request: Handle, scheme: Option<Scheme>) -> wasmtime::Result<Result<(), ()>> {
        if matches!(&scheme, Some(Scheme::Other(name)) if http::uri::Scheme::try_from(name.as_str()).is_err()) {
            return Ok(Err(()));
        }
        self.table.get_mut(&request)?.scheme = scheme;
        Ok(Ok(()))
    }

    fn authority(&mut self, request: Handle) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&request)?.authority.clone())
    }

    fn set_authority(&mut self, request: Handle, authority: Option<String>) -> wasmtime::Result<Result<(), ()>> {
        let is_authority = |text: &str| text.len() <= MAX_URL && text.parse::<http::uri::Authority>().is_ok();
        if authority.as_deref().is_some_and(|text| !is_authority(text)) {
            return Ok(Err(()));
        }
        self.table.get_mut(&request)?.authority = authority;
        Ok(Ok(()))
    }

    fn headers(&mut self, request: Handle) -> wasmtime::Result<Resource<Fields>> {
        let fields = self.table.get(&request)?.fields.clone();
        Ok(self.table.push(fields)?)
    }

    fn drop(&mut self, request: Handle) -> wasmtime::Result<()> {
        self.table.delete(request)?;
        Ok(())
    }
}

impl HostRequestOptions for Http<'_> {
    fn new(&mut self) -> wasmtime::Result<Options> {
        Ok(self.table.push(RequestOptions::default())?)
    }

    fn connect_timeout(&mut self, _: Options) -> wasmtime::Result<Option<Duration>> {
        Ok(None)
    }

    /// Connecting has a limit of its own, which is the host's.
    fn set_connect_timeout(&mut self, _: Options, duration: Option<Duration>) -> wasmtime::Result<Result<(), ()>> {
        Ok(if duration.is_some() { Err(()) } else { Ok(()) })
    }

    fn first_byte_timeout(&mut self, options: Options) -> wasmtime::Result<Option<Duration>> {
        Ok(self.table.get(&options)?.first_byte)
    }

    fn set_first_byte_timeout(
        &mut self,
        options: Options,
        duration: Option<Duration>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.table.get_mut(&options)?.first_byte = duration;
        Ok(Ok(()))
    }

    fn between_bytes_timeout(&mut self, options: Options) -> wasmtime::Result<Option<Duration>> {
        Ok(self.table.get(&options)?.between_bytes)
    }

    fn set_between_bytes_timeout(
        &mut self,
        options: Options,
        duration: Option<Duration>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.table.get_mut(&options)?.between_bytes = duration;
        Ok(Ok(()))
    }

    fn drop(&mut self, options: Options) -> wasmtime::Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}
