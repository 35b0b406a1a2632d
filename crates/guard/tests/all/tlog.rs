//! Trees, proofs, tiles and notes, against a library and vectors that are not ours.

use std::collections::HashMap;

use bailiwick_guard::tlog::{
    Checkpoint, CheckpointError, ConsistencyProof, Hash, InclusionProof, Nodes, NoteError, ProofError, Signer, Tile,
    Tree, VerifierKey,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

/// A tree with its tiles, as a folder has them, and the same by `ct-merkle`.
#[derive(Default)]
struct Both {
    tree: Tree,
    tiles: HashMap<Tile, Vec<Hash>>,
    theirs: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Both {
    fn of(size: u64) -> Both {
        let mut both = Both::default();
        (0..size).for_each(|_| both.push());
        both
    }

    fn push(&mut self) {
        let content = leaf(self.tree.size());
        self.tree.push(Hash::leaf(&content), |tile, row| {
            self.tiles.insert(tile, row);
        });
        self.theirs.push(content);
    }

    fn publish(&mut self) {
        let partial: Vec<_> = self.tree.partial_tiles().map(|(tile, row)| (tile, row.to_vec())).collect();
        self.tiles.extend(partial);
    }

    fn nodes(&self) -> Nodes<impl FnMut(Tile) -> Result<Vec<Hash>, ProofError>> {
        Nodes::new(self.tree.size(), |tile| {
            let row = self.tiles.get(&tile).unwrap_or_else(|| panic!("{tile:?} is not there"));
            assert_eq!(row.len() as u64, tile.width(), "{tile:?}");
            Ok(row.clone())
        })
    }
}

fn leaf(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// Of a tree of that size.
fn root(size: u64) -> Hash {
    Both::of(size).tree.root()
}

/// The eight leaves and roots that implementations of Certificate Transparency are tested with
/// (`google/certificate-transparency`, `merkle_tree_test`).
#[test]
fn roots_are_those_of_certificate_transparency() {
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::default();
    assert_eq!(tree.root().to_string(), roots[0]);
    for (content, root) in leaves.iter().zip(&roots[1..]) {
        let content = data_encoding::HEXLOWER.decode(content.as_bytes()).unwrap();
        tree.push(Hash::leaf(&content), |_, _| {});
        assert_eq!(tree.root().to_string(), *root);
    }
}

/// Sizes where tiles begin, end and grow a level.
const SIZES: [u64; 14] = [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 66_049];

#[test]
fn proofs_are_the_ones_that_the_library_makes_and_each_verifies_the_others() {
    for size in SIZES {
        let mut both = Both::of(size);
        both.publish();
        let root = both.tree.root();
        let theirs = both.theirs.root();
        assert_eq!(root.as_bytes().as_slice(), theirs.as_bytes().as_slice(), "{size}");
        assert_eq!(both.nodes().root(), Ok(root), "{size}");
        for index in [0, 1, 2, 254, 255, 256, size / 2, size.saturating_sub(2), size - 1] {
            if index >= size {
                continue;
            }
            let proof = both.nodes().inclusion(index).unwrap();
            let bytes = Tile::encode(&proof.path);
            let other = both.theirs.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(bytes, other.as_bytes(), "{index} of {size}");
            theirs.verify_inclusion(&leaf(index), index, &other).unwrap();
            assert_eq!(proof.verify(Hash::leaf(&leaf(index)), root), Ok(()), "{index} of {size}");
        }
        for old in [1, 2, 3, 255, 256, 257, size / 2, size - 1, size] {
            if old == 0 || old > size {
                continue;
            }
            let proof = both.nodes().consistency(old).unwrap();
            let added = usize::try_from(size - old).unwrap();
            let other = both.theirs.prove_consistency(added);
            let earlier = Both::of(old);
            assert_eq!(proof.verify(earlier.tree.root(), root), Ok(()), "{old} of {size}");
            theirs.verify_consistency(&earlier.theirs.root(), &other).unwrap();
            // The library repeats an earlier root that the verifier has, where RFC 6962 leaves it out.
            let bytes = Tile::encode(&proof.path);
            assert!(other.as_bytes().ends_with(&bytes), "{old} of {size}");
        }
    }
}

#[test]
fn a_tree_goes_on_from_its_tiles() {
    for size in SIZES {
        let mut both = Both::of(size);
        both.publish();
        let mut tree = Tree::resume(size, |tile| both.tiles.get(&tile).cloned().ok_or(tile)).unwrap();
        assert_eq!((tree.size(), tree.root()), (size, both.tree.root()));
        for index in size..size + 3 {
            both.push();
            tree.push(Hash::leaf(&leaf(index)), |tile, row| assert_eq!(both.tiles.get(&tile), Some(&row)));
        }
        assert_eq!(tree.root(), both.tree.root(), "{size}");
    }
    assert_eq!(Tree::resume(0, Err::<Vec<Hash>, Tile>).unwrap().root(), Tree::default().root());
    assert_eq!(Tree::resume(3, Err::<Vec<Hash>, Tile>).unwrap_err(), Tile::partial(0, 0, 3).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A proof shows its own leaf at its own place of its own tree, and nothing else.
    #[test]
    fn an_inclusion_proof_of_something_else_shows_nothing(size in 1_u64..700, at in 0.0..1.0, bit in 0_usize..256, which in 0_usize..12) {
        let mut both = Both::of(size);
        both.publish();
        let index = ((size as f64 * at) as u64).min(size - 1);
        let (root, hash) = (both.tree.root(), Hash::leaf(&leaf(index)));
        let proof = both.nodes().inclusion(index).unwrap();
        prop_assert_eq!(proof.verify(hash, root), Ok(()));
        prop_assert!(proof.verify(flipped(hash, bit), root).is_err());
        prop_assert!(proof.verify(hash, flipped(root, bit)).is_err());
        for index in [index + 1, index.wrapping_sub(1)] {
            let other = InclusionProof { index, ..proof.clone() };
            prop_assert!(other.verify(hash, root).is_err(), "{:?}", other);
        }
        let mut path = proof.path.clone();
        if let Some(hash) = path.get_mut(which) {
            *hash = flipped(*hash, bit);
            let wrong = InclusionProof { path, ..proof.clone() };
            prop_assert!(wrong.verify(hash_of(index), root).is_err());
        }
        let longer = InclusionProof { path: [proof.path.clone(), vec![hash]].concat(), ..proof.clone() };
        prop_assert!(longer.verify(hash, root).is_err());
        if let Some((_, shorter)) = proof.path.split_last() {
            let wrong = InclusionProof { path: shorter.to_vec(), ..proof.clone() };
            prop_assert!(wrong.verify(hash, root).is_err());
        }
    }

    #[test]
    fn a_consistency_proof_of_something_else_shows_nothing(size in 1_u64..700, at in 0.0..1.0, bit in 0_usize..256, which in 0_usize..12) {
        let mut both = Both::of(size);
        both.publish();
        let old = ((size as f64 * at) as u64).clamp(1, size);
        let (new_root, old_root) = (both.tree.root(), root(old));
        let proof = both.nodes().consistency(old).unwrap();
        prop_assert_eq!(proof.verify(old_root, new_root), Ok(()));
        prop_assert!(proof.verify(flipped(old_root, bit), new_root).is_err());
        prop_assert!(proof.verify(old_root, flipped(new_root, bit)).is_err());
        let mut path = proof.path.clone();
        if let Some(hash) = path.get_mut(which) {
            *hash = flipped(*hash, bit);
            let wrong = ConsistencyProof { path, ..proof.clone() };
            prop_assert!(wrong.verify(old_root, new_root).is_err());
        }
        let longer = ConsistencyProof { path: [proof.path.clone(), vec![old_root]].concat(), ..proof.clone() };
        prop_assert!(longer.verify(old_root, new_root).is_err());
        if let Some((_, shorter)) = proof.path.split_last() {
            let wrong = ConsistencyProof { path: shorter.to_vec(), ..proof.clone() };
            prop_assert!(wrong.verify(old_root, new_root).is_err());
        }
        let wrong = ConsistencyProof { old_size: size + 1, ..proof.clone() };
        prop_assert!(wrong.verify(old_root, new_root).is_err());
        let wrong = ConsistencyProof { old_size: 0, ..proof };
        prop_assert!(wrong.verify(old_root, new_root).is_err());
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,80}(\n\n(— [a-z]{1,5} [A-Za-z0-9+/=]{0,12}\n){0,3})?") {
        let _ = key().open(&text);
        let _ = text.parse::<VerifierKey>();
        let _ = text.parse::<Checkpoint>();
    }
}

fn hash_of(index: u64) -> Hash {
    Hash::leaf(&leaf(index))
}

fn flipped(hash: Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes.into()
}

/// The key and the note that the documentation of Go's `golang.org/x/mod/sumdb/note` has as its example.
const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
     then you don't know what your problem is.\n\
     \n\
     — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key() -> VerifierKey {
    KEY.parse().unwrap()
}

#[test]
fn notes_of_another_implementation_are_read_and_written() {
    let text = key().open(NOTE).unwrap();
    assert!(text.ends_with("is.\n"));
    assert_eq!(key().to_string(), KEY);
    // Its private key, `PRIVATE+KEY+PeterNeumann+c74f20a3+…`, without the type.
    let seed = data_encoding::BASE64.decode(b"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    let signer = Signer::new("PeterNeumann", seed[1..].try_into().unwrap()).unwrap();
    assert_eq!(signer.public(), &key());
    assert_eq!(signer.sign(text), NOTE);
}

#[test]
fn notes_that_were_changed_are_refused() {
    let other = Signer::new("other", &[7; 32]).unwrap();
    let impostor = Signer::new("PeterNeumann", &[7; 32]).unwrap();
    let text = "If you think\n";
    assert_eq!(key().open(&NOTE.replace("answer", "question")), Err(NoteError::Forged("PeterNeumann".into())));
    assert_eq!(key().open(&impostor.sign(text)), Err(NoteError::Unsigned("PeterNeumann".into())));
    assert_eq!(key().open(&other.sign(text)), Err(NoteError::Unsigned("PeterNeumann".into())));
    assert_eq!(key().open(text), Err(NoteError::Malformed));
    assert_eq!(key().open(&NOTE.replace("— ", "- ")), Err(NoteError::Malformed));
    assert_eq!(key().open(NOTE.trim_end()), Err(NoteError::Malformed));
    assert_eq!(key().open(&NOTE.replace("then you", "then\u{7}you")), Err(NoteError::Malformed));
    // A witness adds its line, which changes nothing for us.
    let witnessed = format!("{NOTE}{}", other.sign(text).rsplit_once("\n\n").unwrap().1);
    assert!(key().open(&witnessed).is_ok());
    // One good signature does not make up for a bad one under the same key.
    let line = NOTE.rsplit_once("\n\n").unwrap().1;
    let doubled = format!("{NOTE}{}", line.replace("ZJku", "ZJkv"));
    assert_eq!(key().open(&doubled), Err(NoteError::Forged("PeterNeumann".into())));
}

#[test]
fn keys_that_are_not_whole_are_refused() {
    let errors = [
        ("PeterNeumann", NoteError::Key),
        ("PeterNeumann+c74f20a3", NoteError::Key),
        ("PeterNeumann+c74f20a3+ARpc2Qc", NoteError::Key),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteError::KeyId),
        (
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            NoteError::Name("Peter Neumann".into()),
        ),
        ("PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteError::KeyType),
    ];
    for (text, error) in errors {
        assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
    }
}

#[test]
fn checkpoints_are_read_as_they_are_written_and_no_other_way() {
    let checkpoint = Checkpoint {
        origin: "bailiwick/1".into(),
        size: 70_000,
        root: Hash::leaf(b"x"),
        extensions: vec!["bytes 12".into()],
    };
    let text = checkpoint.to_string();
    assert_eq!(text.parse(), Ok(checkpoint));
    let root = Hash::leaf(b"x").to_base64();
    let errors = [
        ("a\n1\n".to_owned(), CheckpointError::Lines),
        (format!("\n1\n{root}\n"), CheckpointError::Lines),
        (format!("a\n1\n{root}"), CheckpointError::Lines),
        (format!("a\n1\n{root}\n\nb\n"), CheckpointError::Lines),
        (format!("a\n01\n{root}\n"), CheckpointError::Size),
        (format!("a\n+1\n{root}\n"), CheckpointError::Size),
        (format!("a\n18446744073709551616\n{root}\n"), CheckpointError::Size),
        (format!("a\n1\n{}\n", &root[1..]), CheckpointError::Root),
    ];
    for (text, error) in errors {
        assert_eq!(text.parse::<Checkpoint>(), Err(error), "{text:?}");
    }
}
