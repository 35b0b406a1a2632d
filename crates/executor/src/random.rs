//! Random bytes from the kernel. The cryptography library's generator first gathers entropy of its own, which takes 25 ms:
//! longer than everything else that a short run does.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// Fills `bytes`. Waits for the kernel's generator only when the machine has just started.
///
/// # Errors
/// When the kernel has no such generator.
pub(crate) fn fill(mut bytes: &mut [u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(filled) => bytes = bytes.get_mut(filled..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_filled() {
        let mut bytes = vec![0; 100_000]; // more than the kernel gives without being asked twice
        fill(&mut bytes).unwrap();
        assert!(bytes.chunks(1000).all(|part| part.iter().any(|byte| *byte != 0)));
        assert!(fill(&mut []).is_ok());
    }
}
