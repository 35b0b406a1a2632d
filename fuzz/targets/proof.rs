//! What others hand us to verify: notes, checkpoints, proofs, keys and bundles. No bytes panic, and what is read is written the
//! same again.
#![no_main]

use bailiwick_guard::audit::{Proof, verify_proof};
use bailiwick_guard::tlog::{Checkpoint, Signer, VerifierKey, bundle, entries_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(entries) = entries_of(data) {
        assert_eq!(bundle(entries).as_deref(), Ok(data));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    let signer = Signer::new("log", &[1; 32]).expect("the name is good");
    let _ = signer.public().open(text);
    // What is signed is read back, unless it is not the text of a note at all.
    let note = signer.sign(text);
    if let Ok(read) = signer.public().open(&note) {
        assert_eq!(read, text);
    }
    if let Ok(proof) = text.parse::<Proof>() {
        assert_eq!(proof.to_string().parse::<Proof>().ok(), Some(proof.clone()));
        let _ = verify_proof(&proof, signer.public());
    }
});
