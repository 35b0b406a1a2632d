//! Journals on disk: what is read back, what a crash leaves, what damage does, and what is deleted.

use std::fs;
use std::io::Write;
use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use bailiwick_guard::Timestamp;
use bailiwick_guard::journal::files::{
    JournalError, JournalFolder, JournalOptions, Pruned, Recorded, began, is_run, read,
};
use bailiwick_guard::journal::{
    Asked, ContentDigest, Contents, Crossing, Crossings, End, Header, Journals, Lane, Sink, SinkError,
};
use proptest::prelude::*;
use serde_json::json;

/// The run that began so many milliseconds after 1970.
fn run(began: u64) -> String {
    let digits = format!("{began:012x}");
    format!("{}-{}-7000-8000-000000000001", &digits[..8], &digits[8..])
}

fn header(run: &str, contents: &mut Contents) -> Header {
    Header {
        run: run.to_owned(),
        began: 7,
        engine: "test".to_owned(),
        task: Some("t".to_owned()),
        rationale: None,
        guest: contents.add(vec![b'g'; 40_000]),
        script: None,
        is_session: false,
        grant: json!({ "digest": "d" }),
        input: contents.add(&b"null"[..]),
        args: vec!["a".to_owned()],
    }
}

fn end() -> End {
    End {
        stop: json!({ "kind": "finished" }),
        from_outside: false,
        fuel: 1,
        peak_memory_bytes: 2,
        host_calls: 3,
        output_bytes: 4,
        disk_bytes: 5,
        files_made: 6,
        wall_ms: 7,
        stdout_bytes: 3,
        stdout: ContentDigest::of(b"out"),
        stderr_bytes: 0,
        stderr: ContentDigest::of(b""),
        result: None,
        cut: None,
    }
}

fn begin(folder: &JournalFolder, run: &str) -> Box<dyn Sink> {
    let mut contents = Contents::default();
    let header = header(run, &mut contents);
    folder.begin(&header, &contents).unwrap().unwrap()
}

fn write(folder: &JournalFolder, run: &str, crossings: &[Crossing]) -> ContentDigest {
    let mut sink = begin(folder, run);
    for crossing in crossings {
        sink.take(crossing.clone()).unwrap();
    }
    sink.end(&end()).unwrap()
}

fn crossing(number: u8, length: usize) -> Crossing {
    let lane = Lane::ALL[usize::from(number) % Lane::ALL.len()];
    let asked = if number.is_multiple_of(3) { Asked::NOTHING } else { Asked::of(&[&[number]]) };
    Crossing { lane, asked, given: vec![number; length] }
}

fn some() -> Vec<Crossing> {
    (0..12).map(|number| crossing(number, usize::from(number) * usize::from(number) * 300)).collect()
}

/// As the folder reads it, from bytes.
fn read_bytes(bytes: &[u8], values: &Path) -> Result<Recorded, JournalError> {
    read(bytes, 64 << 20, |digest, _| {
        let file = fs::File::open(values.join(digest.to_string()));
        Ok(zstd::decode_all(file.map_err(JournalError::Io)?)?)
    })
}

fn lanes() -> impl Strategy<Value = Vec<Crossing>> {
    let lengths = prop_oneof![8 => 0..200_usize, 1 => 16_380..16_390_usize, 1 => 100_000..100_010_usize];
    prop::collection::vec((any::<u8>(), lengths).prop_map(|(number, length)| crossing(number, length)), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_recorded_is_read(crossings in lanes()) {
        let at = tempfile::tempdir().unwrap();
        let folder = JournalFolder::at(at.path().join("journals"), JournalOptions::default());
        let digest = write(&folder, &run(1), &crossings);
        let recorded = folder.read(&run(1)).unwrap();
        let mut contents = Contents::default();
        prop_assert_eq!(&recorded.header, &header(&run(1), &mut contents));
        prop_assert_eq!(&recorded.contents, &contents);
        prop_assert_eq!(&recorded.crossings, &crossings);
        prop_assert_eq!(recorded.end, Some(end()));
        let file = fs::read(at.path().join("journals").join(run(1)).join("journal")).unwrap();
        prop_assert_eq!(recorded.digest, ContentDigest::of(&file));
        prop_assert_eq!((digest, folder.digest(&run(1)).unwrap()), (recorded.digest, recorded.digest));
    }
}

/// A journal of these records, whatever they are.
fn compressed(records: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(b"\x50\x2a\x4d\x18\x13\0\0\0bailiwick journal 1".to_vec(), 1).unwrap();
    encoder.write_all(records).unwrap();
    encoder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What lies behind compression and checksum is looked at as closely.
    #[test]
    fn records_that_nobody_wrote_are_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut contents = Contents::default();
        let header = serde_json::to_vec(&header(&run(1), &mut contents)).unwrap();
        let length = |bytes: &[u8]| [(bytes.len() as u8 & 0x7f) | 0x80, (bytes.len() >> 7) as u8];
        let mut records = [&[33][..], &length(&header), &header].concat();
        for number in 1..10_u8 {
            records.extend([&[number | 64][..], &[7; 32], &[3, number, 0, 1]].concat());
        }
        prop_assert_eq!(read_bytes(&compressed(&records), Path::new("/nowhere")).unwrap().crossings.len(), 9);
        for (at, byte, how) in changes {
            let at = at.index(records.len());
            match how {
                0 => records[at] = byte,
                1 => records[at] ^= 1 << (byte % 8),
                2 => records.insert(at, byte),
                _ => _ = records.remove(at),
            }
        }
        records.truncate(cut.index(records.len() * 3).max(1));
        if let Ok(read) = read_bytes(&compressed(&records), Path::new("/nowhere")) {
            prop_assert!(read.crossings.len() <= records.len() / 2);
            prop_assert!(read.crossings.iter().map(|crossing| crossing.given.len()).sum::<usize>() <= records.len());
        }
    }
}

#[test]
fn the_file_is_private_and_plain_zstandard() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path().join("journals"), JournalOptions::default());
    write(&folder, &run(1), &some());
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let (root, own) = (at.path().join("journals"), at.path().join("journals").join(run(1)));
    for private in [&root, &own, &root.join("blobs")] {
        assert_eq!(mode(private), 0o700, "{}", private.display());
    }
    for entry in fs::read_dir(&own).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let plain = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
        assert!(!plain.is_empty());
    }
}

#[test]
fn a_journal_that_was_cut_off_anywhere_is_its_own_beginning() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions::default());
    let crossings = some();
    let mut sink = begin(&folder, &run(1));
    let file = at.path().join(run(1)).join("journal");
    let begun = fs::metadata(&file).unwrap().len();
    for crossing in &crossings {
        sink.take(crossing.clone()).unwrap();
    }
    sink.end(&end()).unwrap();
    let bytes = fs::read(&file).unwrap();
    let mut longest = 0;
    for length in 0..bytes.len() {
        match read_bytes(&bytes[..length], &at.path().join(run(1))) {
            Ok(recorded) => {
                assert_eq!(recorded.end, None, "cut after {length} bytes");
                assert!(crossings.starts_with(&recorded.crossings) && recorded.crossings.len() >= longest);
                longest = recorded.crossings.len();
            }
            Err(JournalError::NotAJournal) => assert!(length < 27),
            Err(JournalError::Damaged { what: "there is no header", .. }) => assert!((length as u64) < begun),
            Err(error) => panic!("cut after {length} bytes: {error}"),
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions::default());
    let digest = write(&folder, &run(1), &some());
    let bytes = fs::read(at.path().join(run(1)).join("journal")).unwrap();
    for place in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[place] ^= bit;
            // What still reads as a journal is not the one that the log knows: a frame's header says nothing of its content.
            if let Ok(recorded) = read_bytes(&changed, &at.path().join(run(1))) {
                assert_ne!(recorded.digest, digest, "byte {place}");
                assert!(recorded.end.is_none() || recorded.crossings == some(), "byte {place}");
            }
        }
    }
    let longer = [bytes.as_slice(), &bytes[27..]].concat();
    let refused = read_bytes(&longer, &at.path().join(run(1))).unwrap_err();
    assert_eq!(refused.to_string(), format!("the journal is damaged at record {}: something comes after the end", 16));
}

#[test]
fn what_a_run_was_given_until_it_was_killed_is_there() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions::default());
    let mut sink = begin(&folder, &run(1));
    sink.take(crossing(1, 10)).unwrap();
    // Long enough that it is not kept back.
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    sink.take(crossing(2, 20)).unwrap();
    // As after `kill -9`: nobody ended it, and nothing more is written.
    let recorded = folder.read(&run(1)).unwrap();
    assert_eq!((recorded.crossings, recorded.end), (vec![crossing(1, 10), crossing(2, 20)], None));
    sink.take(crossing(3, 30)).unwrap();
    drop(sink);
    assert_eq!(folder.read(&run(1)).unwrap().crossings.len(), 3, "a run that was dropped has all");
}

#[test]
fn a_run_that_outgrows_its_journal_goes_on_without() {
    let at = tempfile::tempdir().unwrap();
    let max = NonZeroU64::new(100_000).unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions { max, ..JournalOptions::default() });
    let crossings = Crossings::recording(begin(&folder, &run(1)));
    for length in [30_000, 30_000, 50_000, 10] {
        // The same bytes again take no room on disk, and count all the same: a replay has them twice.
        crossings.record(Lane::Call, || Asked::NOTHING, &vec![1_u8; length]);
    }
    assert_eq!(crossings.cut(), Some(SinkError::Full));
    let digest = crossings.end(end()).unwrap().unwrap();
    let recorded = folder.read(&run(1)).unwrap();
    assert_eq!((recorded.crossings.len(), recorded.digest), (2, digest));
    assert_eq!(recorded.end, Some(End { cut: Some(SinkError::Full), ..end() }));
}

#[test]
fn what_is_not_a_journal_of_that_run_is_refused() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions::default());
    write(&folder, &run(1), &some());
    let own = at.path().join(run(1)).join("journal");
    let error = |run: &str| folder.read(run).unwrap_err().to_string();
    for missing in [run(2), "..".to_owned(), "blobs".to_owned(), run(1).to_uppercase() + "x"] {
        assert!(error(&missing).starts_with("there is no journal of the run"), "{missing}");
        assert!(!folder.has(&missing) && folder.digest(&missing).is_err());
    }
    fs::create_dir(at.path().join(run(2))).unwrap();
    fs::copy(&own, at.path().join(run(2)).join("journal")).unwrap();
    for entry in fs::read_dir(at.path().join(run(1))).unwrap() {
        let entry = entry.unwrap();
        let _ = fs::hard_link(entry.path(), at.path().join(run(2)).join(entry.file_name()));
    }
    assert_eq!(error(&run(2)), "the file is not a journal", "it is another run's");
    let bytes = fs::read(&own).unwrap();
    let mut newer = bytes.clone();
    newer[26] = b'2';
    fs::write(&own, newer).unwrap();
    assert!(error(&run(1)).contains("another version"));
    fs::write(&own, "text").unwrap();
    assert_eq!(error(&run(1)), "the file is not a journal");
    fs::remove_file(&own).unwrap();
    fs::create_dir(&own).unwrap();
    assert!(!folder.has(&run(1)) && folder.read(&run(1)).is_err());
}

#[test]
fn what_grows_when_it_is_read_stays_bounded() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions::default());
    write(&folder, &run(1), &[]);
    let own = at.path().join(run(1));
    let whole = fs::read(own.join("journal")).unwrap();
    let plain = zstd::decode_all(&whole[..]).unwrap();
    // Without the end, which is a tag, a length of two bytes, and JSON.
    let beginning = &plain[..plain.len() - serde_json::to_vec(&end()).unwrap().len() - 3];
    // A hundred thousand times sixteen kilobytes of zeros, in a file of as many bytes as a picture.
    let mut encoder = zstd::Encoder::new(whole[..27].to_vec(), 3).unwrap();
    encoder.write_all(beginning).unwrap();
    let record = [&[4, 0x80, 0x80, 0x01][..], &[0; 16 * 1024]].concat();
    for _ in 0..100_000 {
        encoder.write_all(&record).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let error = read_bytes(&bomb, &own).unwrap_err();
    assert!(matches!(error, JournalError::TooLong(most) if most == 64 << 20), "{error}");
    // A frame that wants a window of two gigabytes to be decompressed in.
    let mut encoder = zstd::Encoder::new(whole[..27].to_vec(), 3).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&plain).unwrap();
    let wide = encoder.finish().unwrap();
    assert!(matches!(read_bytes(&wide, &own), Err(JournalError::Damaged { what: "it does not decompress", .. })));
}

#[test]
fn a_run_that_cannot_be_recorded_leaves_nothing() {
    let at = tempfile::tempdir().unwrap();
    let folder = JournalFolder::at(at.path(), JournalOptions::default());
    let mut contents = Contents::default();
    let long = Header { args: vec!["x".repeat(9 << 20)], ..header(&run(1), &mut contents) };
    assert_eq!(folder.begin(&long, &contents).err(), Some(SinkError::Unwritable));
    let foreign = header("../../x", &mut contents);
    assert_eq!(folder.begin(&foreign, &contents).err(), Some(SinkError::Unwritable));
    assert_eq!(folder.runs().unwrap(), Vec::<String>::new());
    write(&folder, &run(1), &[]);
    let again = header(&run(1), &mut contents);
    assert_eq!(folder.begin(&again, &contents).err(), Some(SinkError::Io));
}

#[test]
fn old_journals_go_and_so_does_what_only_they_had() {
    let at = tempfile::tempdir().unwrap();
    let options = JournalOptions { keep: Duration::from_secs(10), ..JournalOptions::default() };
    let folder = JournalFolder::at(at.path(), options);
    let shared = crossing(1, 50_000);
    for (began, own) in [(1_000, 2), (5_000, 3), (20_000, 4)] {
        write(&folder, &run(began), &[shared.clone(), crossing(own, 60_000 + usize::from(own))]);
    }
    let blobs =
        || fs::read_dir(at.path().join("blobs")).unwrap().flat_map(|it| fs::read_dir(it.unwrap().path()).unwrap());
    assert_eq!(blobs().count(), 5, "the guest, what all were given, and what each was");
    let under_way = begin(&folder, &run(2_000));
    let pruned = folder.prune(Timestamp(16_000)).unwrap();
    assert_eq!(pruned.runs, [run(1_000), run(5_000)]);
    assert!(pruned.freed > 0 && pruned.left > 0);
    assert_eq!(blobs().count(), 3);
    assert_eq!(folder.runs().unwrap(), [run(2_000), run(20_000)]);
    assert_eq!(folder.read(&run(20_000)).unwrap().crossings.len(), 2);
    assert_eq!(folder.remove(&run(2_000)).unwrap_err().kind(), std::io::ErrorKind::ResourceBusy);
    drop(under_way);
    assert_eq!(folder.prune(Timestamp(16_000)).unwrap().runs, [run(2_000)]);
    let last = folder.remove(&run(20_000)).unwrap();
    assert_eq!((last.runs, last.left), (vec![run(20_000)], 0));
    assert_eq!(folder.remove(&run(20_000)).unwrap(), Pruned::default());
    assert_eq!((blobs().count(), folder.runs().unwrap().len()), (0, 0));
}

#[test]
fn the_oldest_go_until_the_rest_has_room() {
    let at = tempfile::tempdir().unwrap();
    let noise = |seed: u64| Crossing {
        lane: Lane::Call,
        asked: Asked::NOTHING,
        given: (0..20_000_u64)
            .flat_map(|n| ContentDigest::of(&(seed * 100_000 + n).to_le_bytes()).as_bytes()[..8].to_vec())
            .collect(),
    };
    let all = JournalFolder::at(at.path(), JournalOptions::default());
    for began in 1..=4 {
        write(&all, &run(began), &[noise(began)]);
    }
    let everything = all.prune(Timestamp(5)).unwrap();
    assert_eq!((everything.runs.len(), everything.freed), (0, 0));
    let total = NonZeroU64::new(everything.left / 2).unwrap();
    let half = JournalFolder::at(at.path(), JournalOptions { total, ..JournalOptions::default() });
    let pruned = half.prune(Timestamp(5)).unwrap();
    assert_eq!(pruned.left + pruned.freed, everything.left);
    assert!(pruned.left <= total.get() && !half.runs().unwrap().is_empty());
    assert_eq!(half.runs().unwrap().last(), Some(&run(4)));
    // Nothing is due again before time has passed or something was written.
    assert_eq!(half.tidy(Timestamp(6)).unwrap(), None);
    assert!(half.tidy(Timestamp(5 + 3_600_000)).unwrap().is_some());
    write(&half, &run(5), &[noise(5)]);
    assert!(half.tidy(Timestamp(7 + 3_600_000)).unwrap().is_some());
}

#[test]
fn runs_are_named_by_their_time() {
    assert_eq!(began(&run(1_763_900_000_123)), Some(Timestamp(1_763_900_000_123)));
    assert!(is_run(&run(0)));
    for bad in
        ["", "x", "0190a1b2-c3d4-7000-8000-00000000000G", "0190a1b2+c3d4-7000-8000-000000000001", "../etc/passwd"]
    {
        assert!(!is_run(bad) && began(bad).is_none(), "{bad}");
    }
    let none = JournalFolder::at("/nowhere/at/all", JournalOptions::default());
    assert_eq!(none.runs().unwrap(), Vec::<String>::new());
    assert_eq!(none.tidy(Timestamp(0)).unwrap(), None);
    assert_eq!(none.prune(Timestamp(0)).unwrap().runs.len(), 0);
}
