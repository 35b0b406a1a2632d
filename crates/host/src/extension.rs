//! What an embedder adds: actions of its own, behind the same door.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use bailiwick_guard::{Action, Attempt, CallError, Guard, Perform};
use bailiwick_policy::{ActionName, Arguments, Code, CustomKind, CustomResource, Kind, Resource};
use serde_json::Value;

/// Most bytes of a result as JSON text.
pub const MAX_RESULT: usize = 4 << 20;

/// The extensions of a host, by kind and action. Clones share them.
#[derive(Clone, Default)]
pub struct Extensions(Arc<BTreeMap<(CustomKind, ActionName), Arc<dyn Extend>>>);

/// One action that an embedder added, with whoever performs it.
trait Extend: Send + Sync {
    fn call<'a>(&'a self, guard: &'a Guard, resource: CustomResource, arguments: Arguments) -> Call<'a>;
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>>;

struct Extension<A, M, P> {
    make: M,
    host: P,
    action: PhantomData<fn() -> A>,
}

impl Extensions {
    /// The same with one more; of two for the same kind and action, the later one.
    #[must_use]
    pub(crate) fn with<A, P>(
        self,
        kind: CustomKind,
        make: impl Fn(CustomResource, Arguments) -> Option<A> + Send + Sync + 'static,
        host: P,
    ) -> Extensions
    where
        A: Action<Output = Value>,
        P: Perform<A> + Send + Sync + 'static,
    {
        let mut all = Arc::unwrap_or_clone(self.0);
        all.insert((kind, A::NAME), Arc::new(Extension { make, host, action: PhantomData }));
        Extensions(Arc::new(all))
    }

    /// Does what a guest asks for.
    ///
    /// # Errors
    /// As [`Guard::call`]. What no extension is for, and arguments that its extension does not take, are refused on record.
    pub async fn call(
        &self,
        guard: &Guard,
        action: ActionName,
        resource: CustomResource,
        arguments: Arguments,
    ) -> Result<Value, CallError> {
        let Kind::Custom(kind) = resource.kind() else { return Err(CallError::Failed(Code::Internal)) };
        let Some(extension) = self.0.get(&(kind, action)) else {
            return Err(refuse(guard, action, &resource, Code::Unsupported));
        };
        let result = extension.call(guard, resource, arguments).await?;
        let length = serde_json::to_vec(&result).map_or(usize::MAX, |text| text.len());
        if length > MAX_RESULT { Err(CallError::Limit(Code::ResponseBytes)) } else { Ok(result) }
    }
}

impl<A, M, P> Extend for Extension<A, M, P>
where
    A: Action<Output = Value>,
    M: Fn(CustomResource, Arguments) -> Option<A> + Send + Sync,
    P: Perform<A> + Send + Sync,
{
    fn call<'a>(&'a self, guard: &'a Guard, resource: CustomResource, arguments: Arguments) -> Call<'a> {
        Box::pin(async move {
            let Some(action) = (self.make)(resource.clone(), arguments.clone()) else {
                return Err(refuse(guard, A::NAME, &resource, Code::Malformed));
            };
            // INVARIANT: what is decided about is what the guest named. An action that forgot its arguments, or has columns in
            // their place, would pass conditions on arguments that may be left out.
            let same = action.resource() == Resource::Custom(resource.clone()) && action.arguments() == arguments;
            if !same || action.columns().is_some() {
                return Err(refuse(guard, A::NAME, &resource, Code::Internal));
            }
            guard.call(&self.host, action).await
        })
    }
}

/// The guest's own words name what it asked for.
fn refuse(guard: &Guard, action: ActionName, resource: &CustomResource, code: Code) -> CallError {
    let text = resource.to_string();
    guard.refuse(Attempt { kind: resource.kind(), action, resource: &text, code })
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
