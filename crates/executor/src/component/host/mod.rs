//! The interfaces of `bailiwick:host`: from WIT to [`ops`](crate::ops) and back.

mod crypto;
mod extension;
mod fetch;
mod files;
mod kv;
mod script;
mod secrets;
mod session;
mod sql;
mod tools;

use std::sync::Arc;

use bailiwick_guard::CallError;
use wasmtime::component::{HasData, Linker, ResourceTable};

use self::generated::bailiwick::host as wit;
use self::generated::bailiwick::host::types::Error;
use super::error::trap;
use crate::run::{Door, GuestIo, RunState};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "guest",
        imports: {
            "bailiwick:host/session": trappable,
            "bailiwick:host/script.print": trappable,
            "bailiwick:host/script.abilities": trappable,
            "bailiwick:host/script.refusal": trappable,
            "bailiwick:host/sql.message": trappable,
            default: async | trappable,
        },
        trappable_error_type: {
            "bailiwick:host/types.error" => bailiwick_guard::CallError,
        },
        with: {
            "bailiwick:host/fetch.body": crate::ops::StreamedBody,
        },
    });
}

/// What `bailiwick:host` is linked with: the way out, and the guest's handles.
struct HostView<'a> {
    door: Door,
    io: Arc<GuestIo>,
    table: &'a mut ResourceTable,
}

/// Names [`HostView`] for the linker.
struct HasHost;

impl HasData for HasHost {
    type Data<'a> = HostView<'a>;
}

impl HostView<'_> {
    fn of(state: &mut RunState) -> HostView<'_> {
        HostView { door: state.door(), io: state.io(), table: state.table() }
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    wit::types::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::session::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::script::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::files::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::crypto::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::kv::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::extension::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::secrets::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::sql::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::tools::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::fetch::add_to_linker::<_, HasHost>(linker, HostView::of)
}

impl wit::types::Host for HostView<'_> {
    fn convert_error(&mut self, error: CallError) -> wasmtime::Result<Error> {
        let code = error.code().as_str().to_owned();
        match error {
            CallError::Denied(_) => Ok(Error::Denied(code)),
            CallError::Failed(_) => Ok(Error::Failed(code)),
            CallError::Limit(_) => Ok(Error::Limit(code)),
            CallError::Stopped(cause) => Err(trap(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_guard::{Budget, StopCause};
    use bailiwick_policy::Code;
    use serde_json::json;

    use super::wit::crypto::{HashAlgorithm, Host as _};
    use super::wit::fetch::{Host as _, Method, Request};
    use super::wit::files::{Host as _, Kind, WriteMode};
    use super::wit::session::Host as _;
    use super::wit::types::Host as _;
    use super::*;
    use crate::component::tests::World;

    fn view<'a>(world: &World, table: &'a mut ResourceTable) -> HostView<'a> {
        HostView { door: world.door.clone(), io: Arc::clone(&world.io), table }
    }

    #[tokio::test]
    async fn files() {
        let world = World::new(json!(null), &[]);
        let mut table = ResourceTable::new();
        let mut host = view(&world, &mut table);
        let path = |name: &str| format!("/m/{name}");
        host.make_directory(path("d")).await.unwrap();
        host.write(path("d/a"), b"hello".to_vec(), WriteMode::Create).await.unwrap();
        host.write("m/d/a".into(), b"!".to_vec(), WriteMode::Append).await.unwrap();
        assert_eq!(host.read(path("d/a"), 1, u64::MAX).await.unwrap(), b"ello!");
        assert_eq!(host.read(path("d/a"), 9, 9).await.unwrap(), b"");
        let stat = host.stat(path("d/a")).await.unwrap();
        assert_eq!((stat.kind, stat.size, stat.modified > Some(0)), (Kind::File, 6, true));
        host.rename(path("d/a"), path("b")).await.unwrap();
        let entries = host.list("/m".into()).await.unwrap();
        let names: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
        assert_eq!(names, [("b", Kind::File), ("d", Kind::Directory), ("no", Kind::Directory)]);
        host.delete(path("b")).await.unwrap();
        host.delete_directory(path("d")).await.unwrap();
        assert_eq!(host.read(path("b"), 0, 1).await, Err(CallError::Failed(Code::NotFound)));
        let root = host.list("/".into()).await.unwrap();
        assert_eq!(root.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["m"]);
        assert_eq!(host.stat("/".into()).await.unwrap().kind, Kind::Directory);
    }

    #[tokio::test]
    async fn text_that_names_nothing_is_refused_on_record() {
        let world = World::new(json!(null), &[]);
        let mut table = ResourceTable::new();
        let mut host = view(&world, &mut table);
        let request = |url: &str| Request { method: Method::Post, url: url.into(), headers: vec![], body: vec![] };
        let results = [
            host.read("/m/../x".into(), 0, 1).await.err(),
            host.write(String::new(), vec![], WriteMode::Replace).await.err(),
            host.rename("/m/a".into(), "/m/".into()).await.err(),
            host.sign("ring".into(), vec![]).await.err(),
            host.send(request("http://0x7f.1/")).await.err(),
            host.send(request("https://a.example/x")).await.err(),
        ];
        for result in results {
            assert!(matches!(result, Some(CallError::Denied(_))), "{result:?}");
        }
        assert_eq!(
            world.calls(),
            [
                "file.read /m/../x deny.request.ambiguous",
                "file.write  deny.request.malformed",
                "file.write /m/ deny.request.ambiguous",
                "crypto.sign ring deny.request.malformed",
                "fetch.post http://0x7f.1/ deny.request.ambiguous",
                "fetch.post https://a.example/x deny.manifest.no_rule",
            ]
        );
    }

    #[tokio::test]
    async fn arguments_are_capped_before_they_are_used() {
        let world = World::new(json!(null), &[]);
        let mut table = ResourceTable::new();
        let mut host = view(&world, &mut table);
        let long = vec![0; (16 << 20) + 1];
        let limit = Some(CallError::Limit(Code::ArgumentBytes));
        assert_eq!(host.hash(HashAlgorithm::Sha256, long.clone()).await.err(), limit);
        assert_eq!(host.write("/m/a".into(), long.clone(), WriteMode::Replace).await.err(), limit);
        assert_eq!(host.random(65537).await.err(), limit);
        assert_eq!(host.derive("r/k".into(), vec![], vec![], 65).await.err(), limit);
        assert_eq!(host.set_result(" ".repeat((1 << 20) + 1)).err(), limit);
        let headers = vec![("a".into(), vec![]); 101];
        let request = Request { method: Method::Get, url: "https://a.example/".into(), headers, body: vec![] };
        assert_eq!(host.send(request).await.err(), Some(CallError::Limit(Code::RequestBytes)));
        assert!(world.calls().is_empty());
    }

    #[tokio::test]
    async fn keyless_cryptography() {
        let world = World::new(json!(null), &[]);
        let mut table = ResourceTable::new();
        let mut host = view(&world, &mut table);
        let digest = host.hash(HashAlgorithm::Sha3V256, b"abc".to_vec()).await.unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&digest),
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
        );
        assert!(matches!(host.random(1).await, Err(CallError::Denied(_))));
    }

    #[test]
    fn a_result_is_json_and_counts_as_output() {
        let world = World::new(json!({"a": 1}), &["x"]);
        let mut table = ResourceTable::new();
        let mut host = view(&world, &mut table);
        assert_eq!(host.input().unwrap(), r#"{"a":1}"#);
        assert_eq!(host.arguments().unwrap(), ["x"]);
        for bad in ["", "{", "nan", "1 2", &"[".repeat(100_000)] {
            assert_eq!(host.set_result(bad.to_owned()), Err(CallError::Failed(Code::NotJson)));
        }
        host.set_result("[1]".into()).unwrap();
        host.set_result("[2]".into()).unwrap();
        assert_eq!(world.door.guard().meter().output_used(), 6);
        let over = StopCause::Budget(Budget::Output);
        assert_eq!(host.set_result(format!("\"{}\"", "x".repeat(1024))), Err(CallError::Stopped(over)));
        assert_eq!(world.io.output.take().result, Some(json!([2])));
    }

    #[test]
    fn the_guest_gets_a_code_and_the_end_of_the_run_is_a_trap() {
        let world = World::new(json!(null), &[]);
        let mut table = ResourceTable::new();
        let mut host = view(&world, &mut table);
        let text = |error| match host.convert_error(error).unwrap() {
            Error::Denied(code) => format!("denied {code}"),
            Error::Failed(code) => format!("failed {code}"),
            Error::Limit(code) => format!("limit {code}"),
        };
        let errors = [CallError::Failed(Code::NotFound), CallError::Limit(Code::ArgumentBytes)];
        assert_eq!(errors.map(text), ["failed failed.not_found", "limit limit.argument_bytes"]);
        let trap = host.convert_error(CallError::Stopped(StopCause::Revoked)).unwrap_err();
        assert_eq!(trap.downcast_ref(), Some(&StopCause::Revoked));
    }
}
