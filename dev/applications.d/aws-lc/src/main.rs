//! AWS-LC from `aws-lc-sys`: a digest, an authentication code, a cipher and a signature.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use aws_lc_rs::{digest, hmac};

fn main() -> Result<(), Unspecified> {
    println!("{:?}", digest::digest(&digest::SHA3_256, b"abc"));
    println!("{:?}", hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, b"key"), b"message"));
    let mut text = b"plain".to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32])?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key([1; 12]), Aad::empty(), &mut text)?;
    println!("aes-256-gcm {text:02x?}");
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).map_err(|_| Unspecified)?;
    let signature = pair.sign(b"signed");
    println!("ed25519 {:02x?}", signature.as_ref());
    UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref()).verify(b"signed", signature.as_ref())?;
    println!("verified");
    Ok(())
}
