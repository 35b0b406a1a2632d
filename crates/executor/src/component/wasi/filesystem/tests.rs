//! What preview 1 programs cannot reach.

use std::fs;

use bytes::Bytes;
use serde_json::Value;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError};

use super::streams::{Reader, Writer};
use super::types::{DescriptorFlags, Host as _, HostDescriptor, OpenFlags, PathFlags};
use super::*;
use crate::component::tests::World;

fn world(content: &str) -> (World, RunState) {
    let world = World::new(Value::Null, &[]);
    fs::write(world.mount().join("a"), content).unwrap();
    let state = world.state();
    (world, state)
}

async fn open(filesystem: &mut Filesystem<'_>, path: &str, flags: DescriptorFlags) -> Result<Descriptor, FsError> {
    let root = filesystem.table.push(Descriptor::root()).unwrap();
    filesystem.open_path(&root, path, OpenFlags::empty(), flags).await
}

fn slot(world: &World) -> bailiwick_guard::HandleSlot {
    world.door.guard().meter().open_handle().unwrap()
}

fn code(error: FsError) -> ErrorCode {
    error.into_code().expect("no trap")
}

#[tokio::test]
async fn too_many_open_files_are_a_limit() {
    let (world, mut state) = world("");
    let mut filesystem = Filesystem::of(&mut state);
    let mut held = Vec::new();
    for _ in 0..128 {
        held.push(open(&mut filesystem, "m/a", DescriptorFlags::READ).await.expect("below the limit"));
    }
    let refused = open(&mut filesystem, "m/a", DescriptorFlags::READ).await.err().map(code);
    assert_eq!(refused, Some(ErrorCode::Quota));
    assert_eq!(world.calls().last().map(String::as_str), Some("file.read /m/a limit.open_handles"));
    let fd = filesystem.table.push(held.pop().unwrap()).unwrap().rep();
    let read = filesystem.read_via_stream(Resource::new_borrow(fd), 0);
    assert_eq!(read.map(drop).map_err(code), Err(ErrorCode::Quota), "streams count too");
    let root = filesystem.table.push(Descriptor::root()).unwrap();
    assert_eq!(filesystem.read_directory(root).await.map(drop).map_err(code), Err(ErrorCode::Quota), "and lists");
    HostDescriptor::drop(&mut filesystem, Resource::new_own(fd)).unwrap();
    open(&mut filesystem, "m/a", DescriptorFlags::READ).await.expect("one was closed");
}

#[tokio::test]
async fn a_file_is_read_in_bounded_pieces_whether_or_not_the_guest_waits() {
    let content = "x".repeat(CHUNK + 10);
    let (world, mut state) = world(&content);
    let opened = open(&mut Filesystem::of(&mut state), "m/a", DescriptorFlags::READ).await.unwrap();
    let mut reader = Reader::new(opened.readable().unwrap(), slot(&world), world.door.told(), 0);
    assert_eq!(reader.blocking_read(usize::MAX).await.unwrap().len(), CHUNK);
    assert_eq!(reader.blocking_read(4).await.unwrap().len(), 4);
    assert!(reader.read(3).unwrap().is_empty(), "nothing is there before it was waited for");
    reader.ready().await;
    assert_eq!(reader.read(100).unwrap().len(), 3);
    reader.ready().await;
    assert_eq!(reader.read(1).unwrap().len(), 1);
    assert_eq!(reader.read(100).unwrap().len(), 2, "what was read ahead is kept");
    reader.ready().await;
    assert!(matches!(reader.read(1), Err(StreamError::Closed)));
    assert!(matches!(
        Reader::new(opened.readable().unwrap(), slot(&world), world.door.told(), 1 << 40).blocking_read(1).await,
        Err(StreamError::Closed)
    ));
}

#[tokio::test]
async fn a_stream_takes_what_it_permitted_and_no_more() {
    let (world, mut state) = world("0123456789");
    let opened = open(&mut Filesystem::of(&mut state), "m/a", DescriptorFlags::WRITE).await.unwrap();
    let mut writer = Writer::new(opened.writable().unwrap(), slot(&world), world.door.told(), Some(4));
    assert_eq!(writer.check_write().unwrap(), CHUNK);
    writer.write(Bytes::from_static(b"ab")).unwrap();
    assert_eq!(writer.check_write().unwrap(), 0, "one write at a time");
    assert!(matches!(writer.write(Bytes::from_static(b"c")), Err(StreamError::Trap(_))));
    writer.ready().await;
    writer.blocking_write_and_flush(Bytes::from_static(b"cd")).await.unwrap();
    let mut appender = Writer::new(opened.writable().unwrap(), slot(&world), world.door.told(), None);
    appender.write(Bytes::from_static(b"!")).unwrap();
    appender.cancel().await;
    assert_eq!(fs::read(world.mount().join("a")).unwrap(), b"0123abcd89!", "a stream that is dropped has written");
    let mut writer = Writer::new(opened.writable().unwrap(), slot(&world), world.door.told(), Some(0));
    assert!(matches!(writer.write(Bytes::from(vec![0; CHUNK + 1])), Err(StreamError::Trap(_))));
}

#[tokio::test]
async fn a_stream_that_fails_says_why_once() {
    let (world, mut state) = world("0123456789");
    let opened = open(&mut Filesystem::of(&mut state), "m/a", DescriptorFlags::WRITE).await.unwrap();
    let mut writer = Writer::new(opened.writable().unwrap(), slot(&world), world.door.told(), Some(u64::MAX));
    writer.write(Bytes::from_static(b"x")).unwrap();
    writer.ready().await;
    let Err(StreamError::LastOperationFailed(error)) = writer.check_write() else { panic!("the write did not fail") };
    let mut filesystem = Filesystem::of(&mut state);
    let error = filesystem.table.push(error).unwrap();
    assert_eq!(filesystem.filesystem_error_code(error).unwrap(), Some(ErrorCode::FileTooLarge));
    assert!(matches!(writer.check_write(), Err(StreamError::Closed)));
    let other = filesystem.table.push(wasmtime::Error::msg("something of the host")).unwrap();
    assert_eq!(filesystem.filesystem_error_code(other).unwrap(), None);
}

#[tokio::test]
async fn identity_is_no_call_and_flags_are_of_the_open() {
    let (world, mut state) = world("");
    let mut filesystem = Filesystem::of(&mut state);
    let root = filesystem.table.push(Descriptor::root()).unwrap().rep();
    let hash = |filesystem: &mut Filesystem<'_>, path: &str| {
        let value =
            filesystem.metadata_hash_at(Resource::new_borrow(root), PathFlags::empty(), path.to_owned()).unwrap();
        (value.lower, value.upper)
    };
    let of_a = hash(&mut filesystem, "m/a");
    assert_eq!(of_a, hash(&mut filesystem, "m/a"));
    assert_ne!(of_a, hash(&mut filesystem, "m/../m/a"));
    assert!(world.calls().is_empty());
    let opened = open(&mut filesystem, "m/a", DescriptorFlags::WRITE).await.unwrap();
    assert!(opened.flags() == DescriptorFlags::WRITE);
    assert_eq!(opened.readable().map(drop).map_err(code), Err(ErrorCode::BadDescriptor));
    let fd = filesystem.table.push(opened).unwrap();
    assert_eq!(
        {
            let hash = filesystem.metadata_hash(fd).unwrap();
            (hash.lower, hash.upper)
        },
        of_a
    );
    assert!(Descriptor::root().flags() == DescriptorFlags::READ);
    assert_eq!(Descriptor::root().file().map(drop).map_err(code), Err(ErrorCode::IsDirectory));
}
