//! `wasi:random` from the run's own source, so that a recorded run can be replayed.

use std::sync::Arc;

use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::component::{BadCall, trap};
use crate::run::{RunState, Told};

/// Most bytes that one call gives.
pub(crate) const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// What `wasi:random` is linked with. The insecure variants get the same bytes: nothing is gained by worse ones.
pub(crate) struct Random(Arc<Told>);

/// Names [`Random`] for the linker.
pub(crate) struct HasRandom;

impl HasData for HasRandom {
    type Data<'a> = Random;
}

impl Random {
    pub(crate) fn of(state: &mut RunState) -> Random {
        Random(state.told())
    }

    fn bytes(&self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_RANDOM_BYTES {
            // The interface has no error to return, and fewer bytes than were asked for would be worse.
            return Err(BadCall("more than 64 KiB of random bytes in one call").into());
        }
        self.0.random(usize::try_from(len)?).map_err(trap)
    }

    fn word(&self) -> wasmtime::Result<u64> {
        let bytes = self.0.random(size_of::<u64>()).map_err(trap)?;
        Ok(bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}

impl random::Host for Random {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.word()
    }
}

impl insecure::Host for Random {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.word()
    }
}

impl insecure_seed::Host for Random {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.word()?, self.word()?))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::component::tests::World;
    use crate::run::Outside;

    struct Sevens;

    impl Outside for Sevens {
        fn wall(&self) -> Duration {
            Duration::ZERO
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn random(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn every_byte_comes_from_outside() {
        use insecure::Host as _;
        use insecure_seed::Host as _;
        use random::Host as _;
        let world = World::new(serde_json::Value::Null, &[]);
        let mut random = Random(world.told(Arc::new(Sevens)));
        assert_eq!(random.get_random_bytes(3).unwrap(), [7; 3]);
        assert_eq!(random.get_insecure_random_bytes(2).unwrap(), [7; 2]);
        let word = u64::from_le_bytes([7; 8]);
        assert_eq!(random.get_random_u64().unwrap(), word);
        assert_eq!(random.get_insecure_random_u64().unwrap(), word);
        assert_eq!(random.insecure_seed().unwrap(), (word, word));
    }

    #[test]
    fn a_call_is_capped() {
        use insecure::Host as _;
        use random::Host as _;
        let world = World::new(serde_json::Value::Null, &[]);
        let mut random = Random(world.told(Arc::new(Sevens)));
        assert_eq!(random.get_random_bytes(MAX_RANDOM_BYTES).unwrap().len(), 65536);
        for len in [MAX_RANDOM_BYTES + 1, u64::MAX] {
            assert!(random.get_random_bytes(len).unwrap_err().is::<BadCall>());
            assert!(random.get_insecure_random_bytes(len).unwrap_err().is::<BadCall>());
        }
    }
}
