//! One action for each method, so that the method that was decided is the one that is sent.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bailiwick_guard::journal::{Crossed, Fingerprint, Place, Unwritable, join, split};
use bailiwick_guard::{Action, CallError, Effect, Guard, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Arguments, Resource};
use bytes::Bytes;

use super::{FetchRequest, FetchResponse, Fetcher, Opened, Redirect};

/// No request may take longer, whatever its rule says.
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// A request with method `M`, whose response is read as `R` says. One action, so that what is decided about one way of
/// reading is decided about the other.
pub struct Fetch<M, R = Whole> {
    request: FetchRequest,
    how: PhantomData<(M, R)>,
}

/// How a response is read. Sealed.
pub trait Reading: sealed::Sealed + Send + Sync + 'static {
    const NAME: &'static str;
    type Output: Crossed + Send;
}

/// To its end, within the call.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

/// After the call, which ends with the head: see [`open`](super::open).
#[derive(Clone, Copy, Debug)]
pub struct InPieces;

/// What came of a [`Fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Response(FetchResponse),
    /// The rule allows redirects, and this is one: ask again at its target.
    Redirect(Redirect),
}

/// A method as a type. Sealed: what is decided and what is sent both follow from `VERB`.
pub trait Method: sealed::Sealed + Send + Sync + 'static {
    const VERB: Verb;
}

/// A method as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

#[derive(Clone, Copy, Debug)]
pub struct Get;
#[derive(Clone, Copy, Debug)]
pub struct Head;
#[derive(Clone, Copy, Debug)]
pub struct Post;
#[derive(Clone, Copy, Debug)]
pub struct Put;
#[derive(Clone, Copy, Debug)]
pub struct Patch;
#[derive(Clone, Copy, Debug)]
pub struct Delete;
#[derive(Clone, Copy, Debug)]
pub struct Options;

/// Calls the action for `verb`. One call, one decision: a redirect comes back as [`Answer::Redirect`].
///
/// # Errors
/// As [`Guard::call`].
pub async fn send(guard: &Guard, fetcher: &Fetcher, verb: Verb, request: FetchRequest) -> Result<Answer, CallError> {
    match verb {
        Verb::Get => guard.call(fetcher, Fetch::<Get>::new(request)).await,
        Verb::Head => guard.call(fetcher, Fetch::<Head>::new(request)).await,
        Verb::Post => guard.call(fetcher, Fetch::<Post>::new(request)).await,
        Verb::Put => guard.call(fetcher, Fetch::<Put>::new(request)).await,
        Verb::Patch => guard.call(fetcher, Fetch::<Patch>::new(request)).await,
        Verb::Delete => guard.call(fetcher, Fetch::<Delete>::new(request)).await,
        Verb::Options => guard.call(fetcher, Fetch::<Options>::new(request)).await,
    }
}

impl<M: Method> Fetch<M, Whole> {
    pub fn new(request: FetchRequest) -> Fetch<M, Whole> {
        Fetch { request, how: PhantomData }
    }
}

impl<M: Method> Fetch<M, InPieces> {
    pub fn in_pieces(request: FetchRequest) -> Fetch<M, InPieces> {
        Fetch { request, how: PhantomData }
    }

    pub(super) fn request(&self) -> &FetchRequest {
        &self.request
    }
}

impl Reading for Whole {
    const NAME: &'static str = "whole";
    type Output = Answer;
}

impl Reading for InPieces {
    const NAME: &'static str = "in-pieces";
    type Output = Opened;
}

/// The head of a response, as it crosses: its status and its headers; or a redirect.
pub(super) type Plain = Result<(u16, Vec<(String, Vec<u8>)>), (u16, String)>;

/// The body, then the head.
impl Crossed for Answer {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        match self {
            Answer::Response(FetchResponse { status, headers, body }) => {
                join(body.to_vec(), &Plain::Ok((*status, headers.clone())))
            }
            Answer::Redirect(redirect) => join(Vec::new(), &Plain::Err(redirect.plain())),
        }
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Answer> {
        Some(match split::<Plain>(bytes)? {
            (body, Ok((status, headers))) => {
                Answer::Response(FetchResponse { status, headers, body: Bytes::read(body, place)? })
            }
            (_, Err(redirect)) => Answer::Redirect(Redirect::from_plain(redirect)?),
        })
    }
}

impl<M: Method, R: Reading> Action for Fetch<M, R> {
    const NAME: ActionName = M::VERB.action();
    /// Whatever the method: what is sent leaves the machine, and a `GET` carries data out as well as a `POST`.
    const EFFECT: Effect = Effect::World;
    type Output = R::Output;

    fn resource(&self) -> Resource {
        Resource::Fetch(self.request.target.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        let FetchRequest { target, headers, body } = &self.request;
        print.text("fetch").text(R::NAME).text(target.url().as_str()).count(headers.len());
        for (name, value) in headers {
            print.text(name).bytes(value);
        }
        print.bytes(body);
    }

    // INVARIANT: the bytes that conditions are checked on are those that `FetchRequest::build` sends.
    fn arguments(&self) -> Arguments {
        let headers = self.request.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        Arguments::of_body(headers, self.request.body.clone())
    }

    /// The rule's own time-out is applied by the effect.
    fn deadline(&self) -> Duration {
        LONGEST
    }
}

impl<M: Method> Perform<Fetch<M, Whole>> for Fetcher {
    async fn perform(&self, permit: Permit<'_, Fetch<M, Whole>>) -> Result<Answer, HostError> {
        let explain = |reason: String| permit.explain(reason);
        self.exchange(M::VERB, &permit.action().request, permit.terms(), permit.trace(), &explain).await
    }
}

impl Verb {
    pub const ALL: [Verb; 7] = [Verb::Get, Verb::Head, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete, Verb::Options];

    /// The name in scopes and manifests.
    pub const fn action(self) -> ActionName {
        match self {
            Verb::Get => ActionName::Get,
            Verb::Head => ActionName::Head,
            Verb::Post => ActionName::Post,
            Verb::Put => ActionName::Put,
            Verb::Patch => ActionName::Patch,
            Verb::Delete => ActionName::Delete,
            Verb::Options => ActionName::Options,
        }
    }

    /// The verb written as in HTTP, in capitals. `TRACE`, `CONNECT` and all others are no verbs.
    pub fn parse(text: &str) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.http().as_str() == text)
    }

    pub(super) const fn http(self) -> http::Method {
        match self {
            Verb::Get => http::Method::GET,
            Verb::Head => http::Method::HEAD,
            Verb::Post => http::Method::POST,
            Verb::Put => http::Method::PUT,
            Verb::Patch => http::Method::PATCH,
            Verb::Delete => http::Method::DELETE,
            Verb::Options => http::Method::OPTIONS,
        }
    }
}

impl Method for Get {
    const VERB: Verb = Verb::Get;
}

impl Method for Head {
    const VERB: Verb = Verb::Head;
}

impl Method for Post {
    const VERB: Verb = Verb::Post;
}

impl Method for Put {
    const VERB: Verb = Verb::Put;
}

impl Method for Patch {
    const VERB: Verb = Verb::Patch;
}

impl Method for Delete {
    const VERB: Verb = Verb::Delete;
}

impl Method for Options {
    const VERB: Verb = Verb::Options;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Get {}
    impl Sealed for super::Head {}
    impl Sealed for super::Post {}
    impl Sealed for super::Put {}
    impl Sealed for super::Patch {}
    impl Sealed for super::Delete {}
    impl Sealed for super::Options {}
    impl Sealed for super::Whole {}
    impl Sealed for super::InPieces {}
}

impl<M, R> fmt::Debug for Fetch<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_policy::FetchTarget;

    use super::*;

    fn effects<M: Method>() -> [Effect; 2] {
        let target = FetchTarget::parse("https://a.example/?stolen").unwrap();
        let request = FetchRequest { target, headers: Vec::new(), body: bytes::Bytes::new() };
        [<Fetch<M>>::EFFECT, Fetch::<M>::new(request).effect()]
    }

    #[test]
    fn no_request_is_sent_before_its_intent_is_durable() {
        let reads = [effects::<Get>(), effects::<Head>(), effects::<Options>()];
        let changes = [effects::<Post>(), effects::<Put>(), effects::<Patch>(), effects::<Delete>()];
        assert!(reads.iter().chain(&changes).flatten().all(|effect| *effect == Effect::World));
    }
}
