//! OpenSSL from `openssl-src`: its version, a digest, a cipher, and a signature that it verifies.

use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::PKey;
use openssl::sign::{Signer, Verifier};
use openssl::symm::{Cipher, encrypt};

fn main() -> Result<(), ErrorStack> {
    println!("{}", openssl::version::version());
    println!("sha3-256 {:02x?}", &*hash(MessageDigest::sha3_256(), b"abc")?);
    println!("aes-256-ctr {:02x?}", encrypt(Cipher::aes_256_ctr(), &[7; 32], Some(&[1; 16]), b"plain")?);
    let key = PKey::private_key_from_raw_bytes(&[9; 32], openssl::pkey::Id::ED25519)?;
    let signature = Signer::new_without_digest(&key)?.sign_oneshot_to_vec(b"signed")?;
    println!("ed25519 {signature:02x?}");
    println!("verified: {}", Verifier::new_without_digest(&key)?.verify_oneshot(&signature, b"signed")?);
    Ok(())
}
