//! Fetched keys on disk, so that the runs of a command line do not each fetch them again.

use aws_lc_rs::digest;
use cap_std::fs::Dir;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json;
use crate::jwks::Jwks;
use crate::key_cache::KeyCache;
use crate::state::{self, Existing, StateError};

/// What is remembered of one issuer's keys. Its integrity is that of the state folder, which nobody else may write in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    schema: u32,
    /// The file's name is its hash.
    pub(crate) issuer: String,
    /// How the keys were fetched: whose certificates and which addresses were believed.
    trust: String,
    /// When the last fetch began, in seconds since the Unix epoch.
    pub(crate) tried_at: u64,
    /// Why that fetch brought nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// The last set that a fetch brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) set: Option<KeySet>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeySet {
    pub(crate) fetched_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<u64>,
    /// As the issuer published it.
    pub(crate) jwks: String,
}

impl KeyFile {
    /// Bytes of a file at most: a set, in which every byte may be escaped, and the rest.
    const MAX_BYTES: u64 = 6 * 128 * 1024 + 64 * 1024;

    pub(crate) fn new(issuer: &str, trust: &str, tried_at: u64) -> KeyFile {
        KeyFile { schema: 2, issuer: issuer.to_owned(), trust: trust.to_owned(), tried_at, failure: None, set: None }
    }

    /// What is remembered of that issuer. A file that is not of this version is as good as none: it is a cache. So is one
    /// whose keys were fetched on other terms: who is not believed any more does not go on being believed from memory.
    ///
    /// # Errors
    /// When the file can be read or written by others, or not be read.
    pub(crate) fn load(folder: &Dir, issuer: &str, trust: &str) -> Result<Option<KeyFile>, StateError> {
        let Some(content) = state::read(folder, &name(issuer), Self::MAX_BYTES)? else { return Ok(None) };
        let object = json::parse_object(&content).ok();
        let file = object.and_then(|object| serde_json::from_value::<KeyFile>(Value::Object(object)).ok());
        Ok(file.filter(|file| file.schema == 2 && file.issuer == issuer && file.trust == trust))
    }

    /// # Errors
    /// When the file cannot be written. The keys serve all the same; the next process fetches them again.
    pub(crate) fn save(&self, folder: &Dir) -> Result<(), StateError> {
        let content = serde_json::to_vec(self).unwrap_or_default();
        state::write(folder, &name(&self.issuer), &content, Existing::Replace)
    }

    /// The cache as this process goes on with it. A set that does not parse any more is as good as none.
    pub(crate) fn restore(&self, now: u64) -> KeyCache {
        let set = self.set.as_ref().and_then(|set| {
            let keys = Jwks::parse(set.jwks.as_bytes()).ok()?;
            Some((keys, set.fetched_at, set.max_age))
        });
        KeyCache::restored(set, Some(self.tried_at), now)
    }
}

fn name(issuer: &str) -> String {
    format!("{}.json", HEXLOWER.encode(digest::digest(&digest::SHA256, issuer.as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::key_cache::Answer;

    const ISSUER: &str = "https://id.example";
    const TRUST: &str = "system public";
    const NOW: u64 = 1_800_000_000;

    fn folder() -> (tempfile::TempDir, Dir) {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(temporary.path(), cap_std::ambient_authority()).unwrap();
        (temporary, dir)
    }

    #[test]
    fn what_is_written_is_read() {
        let (temporary, dir) = folder();
        assert_eq!(KeyFile::load(&dir, ISSUER, TRUST).unwrap(), None);
        let jwks = r#"{"keys":[{"kty":"EC","kid":"a"}]}"#.to_owned();
        let set = Some(KeySet { fetched_at: NOW, max_age: Some(600), jwks });
        let file = KeyFile { set, failure: Some("`x`".to_owned()), ..KeyFile::new(ISSUER, TRUST, NOW + 5) };
        file.save(&dir).unwrap();
        let read = KeyFile::load(&dir, ISSUER, TRUST).unwrap().unwrap();
        assert_eq!(read, file);
        let mut cache = read.restore(NOW + 6);
        assert_eq!(cache.ask("a", NOW + 6), Answer::Use);
        assert_eq!(cache.ask("b", NOW + 6), Answer::Unknown { retry_at: NOW + 35 });
        assert_eq!(KeyFile::load(&dir, "https://other.example", TRUST).unwrap(), None);
        assert_eq!(KeyFile::load(&dir, ISSUER, "system private").unwrap(), None);
        let path = temporary.path().join(name(ISSUER));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
        assert!(KeyFile::load(&dir, ISSUER, TRUST).is_err(), "others may write it");
    }

    #[test]
    fn another_file_is_none() {
        let (temporary, dir) = folder();
        let file = KeyFile::new("https://other.example", TRUST, NOW);
        for content in ["", "{}", "[1]", r#"{"schema":2}"#, &serde_json::to_string(&file).unwrap()] {
            let path = temporary.path().join(name(ISSUER));
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(KeyFile::load(&dir, ISSUER, TRUST).unwrap(), None, "{content}");
        }
    }
}
