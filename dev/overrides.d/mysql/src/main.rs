//! The client library of MySQL, or MariaDB.

use std::ffi::CStr;

fn main() {
    println!("{}", unsafe { CStr::from_ptr(mysqlclient_sys::mysql_get_client_info()) }.to_str().unwrap());
}
