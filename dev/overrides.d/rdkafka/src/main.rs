//! librdkafka as the crate brings it along, by configure and make.

use std::ffi::CStr;

fn main() {
    println!("librdkafka {}", unsafe { CStr::from_ptr(rdkafka_sys::rd_kafka_version_str()) }.to_str().unwrap());
}
