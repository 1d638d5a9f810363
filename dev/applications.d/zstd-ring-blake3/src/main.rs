//! Three crates that compile their own C and assembly: a compressed text, its digests, and a signature.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

fn main() -> std::io::Result<()> {
    let text = "compressed ".repeat(1000);
    let packed = zstd::encode_all(text.as_bytes(), 19)?;
    assert!(zstd::decode_all(&*packed)? == text.as_bytes());
    println!("zstd {}: {packed:02x?}", zstd::zstd_safe::version_string());
    println!("blake3 {}", blake3::hash(text.as_bytes()));
    println!("ring {:?}", ring::digest::digest(&ring::digest::SHA512, text.as_bytes()));
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let signature = pair.sign(&packed);
    println!("ed25519 {:02x?}", signature.as_ref());
    let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
    println!("verified: {}", key.verify(&packed, signature.as_ref()).is_ok());
    Ok(())
}
