//! Signed notes (C2SP `signed-note`): a text and signatures below it, with Ed25519 (RFC 8032).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};

/// The type of an Ed25519 key within a verifier key.
const ED25519_TYPE: u8 = 0x01;

/// Signatures that are looked at. Witnesses add theirs; a note with more is not one that a log of ours made.
const MAX_SIGNATURES: usize = 64;

/// Signs notes under a name.
#[derive(Clone)]
pub struct Signer {
    key: Arc<Ed25519KeyPair>,
    public: VerifierKey,
}

/// Whose signatures are believed: a name and a public key, as one text `NAME+HASH+KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

/// Why a note, or a key for notes, is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a key's name is a text without blanks and `+`, and `{0}` is not")]
    Name(String),
    #[error("a verifier key looks like `NAME+1a2b3c4d+AZ…`: a name, eight hexadecimal digits, and Base64")]
    Key,
    #[error("the verifier key's digits are not those of its name and key; was it copied whole?")]
    KeyId,
    #[error("only Ed25519 keys are known, and this key is of another type")]
    KeyType,
    #[error("the note is not a text, an empty line and signature lines")]
    Malformed,
    #[error("the note has no signature of `{0}`")]
    Unsigned(String),
    #[error("the signature of `{0}` is not of this text: it was changed, or signed with another key")]
    Forged(String),
}

impl Signer {
    /// # Errors
    /// When the name has blanks or a `+`, or is empty.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Signer, NoteError> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?;
        let bytes: [u8; 32] = key.public_key().as_ref().try_into().map_err(|_| NoteError::Key)?;
        let public = VerifierKey::new(name, bytes)?;
        Ok(Signer { key: Arc::new(key), public })
    }

    /// The same key under the name `NAME/LOG`: no two logs have one name.
    ///
    /// # Errors
    /// When `log` has blanks or a `+`.
    pub fn of_log(&self, log: &str) -> Result<Signer, NoteError> {
        Ok(Signer { key: Arc::clone(&self.key), public: self.public.of_log(log)? })
    }

    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The note with this text, which ends with a line break.
    pub fn sign(&self, text: &str) -> String {
        let mut signature = self.public.id.to_vec();
        signature.extend_from_slice(self.key.sign(text.as_bytes()).as_ref());
        format!("{text}\n— {} {}\n", self.public.name, BASE64.encode(&signature))
    }
}

/// Of the public half only.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

impl VerifierKey {
    fn new(name: &str, key: [u8; 32]) -> Result<VerifierKey, NoteError> {
        if name.is_empty() || name.contains(|character: char| character.is_whitespace() || character == '+') {
            return Err(NoteError::Name(name.to_owned()));
        }
        let digest =
            Sha256::new().chain_update(name).chain_update(b"\n").chain_update([ED25519_TYPE]).chain_update(key);
        let id = digest.finalize().first_chunk::<4>().copied().unwrap_or_default();
        Ok(VerifierKey { name: name.to_owned(), id, key })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The eight hexadecimal digits that tell name and key from others.
    pub fn hash(&self) -> String {
        HEXLOWER.encode(&self.id)
    }

    /// The same key under the name `NAME/LOG`.
    ///
    /// # Errors
    /// When `log` has blanks or a `+`.
    pub fn of_log(&self, log: &str) -> Result<VerifierKey, NoteError> {
        VerifierKey::new(&format!("{}/{log}", self.name), self.key)
    }

    /// The text of a note that this key signed. Signatures of others are passed over.
    ///
    /// # Errors
    /// When the note is malformed, has no signature of this key, or one that is not of its text.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let text = note.get(..text.len().saturating_add(1)).ok_or(NoteError::Malformed)?;
        if text.chars().any(|character| character.is_control() && character != '\n') {
            return Err(NoteError::Malformed);
        }
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?.split('\n');
        let mut found = false;
        for (number, line) in lines.enumerate() {
            if number >= MAX_SIGNATURES {
                return Err(NoteError::Malformed);
            }
            let rest = line.strip_prefix("— ").ok_or(NoteError::Malformed)?;
            let (name, signature) = rest.split_once(' ').ok_or(NoteError::Malformed)?;
            let bytes = BASE64.decode(signature.as_bytes()).map_err(|_| NoteError::Malformed)?;
            let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteError::Malformed)?;
            if name != self.name || *id != self.id {
                continue;
            }
            let key = ParsedPublicKey::new(&ED25519, self.key).map_err(|_| NoteError::Key)?;
            key.verify_sig(text.as_bytes(), signature).map_err(|_| NoteError::Forged(self.name.clone()))?;
            found = true;
        }
        if found { Ok(text) } else { Err(NoteError::Unsigned(self.name.clone())) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key: Vec<u8> = [ED25519_TYPE].into_iter().chain(self.key).collect();
        write!(f, "{}+{}+{}", self.name, self.hash(), BASE64.encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<VerifierKey, NoteError> {
        // Base64 has `+`, too: the key is what follows the second one.
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let id = HEXLOWER_PERMISSIVE.decode(id.as_bytes()).map_err(|_| NoteError::Key)?;
        let bytes = BASE64.decode(key.as_bytes()).map_err(|_| NoteError::Key)?;
        let (kind, key) = bytes.split_first().ok_or(NoteError::Key)?;
        if *kind != ED25519_TYPE {
            return Err(NoteError::KeyType);
        }
        let parsed = VerifierKey::new(name, key.try_into().map_err(|_| NoteError::Key)?)?;
        if parsed.id.as_slice() == id { Ok(parsed) } else { Err(NoteError::KeyId) }
    }
}
