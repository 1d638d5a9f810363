//! The FIPS module of AWS-LC.

fn main() {
    aws_lc_rs::try_fips_mode().expect("the FIPS module");
    println!("{:02x?}", aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"abc").as_ref());
}
