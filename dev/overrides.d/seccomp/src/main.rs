//! libseccomp, which the crate names without a place.

fn main() {
    let version = unsafe { &*libseccomp_sys::seccomp_version() };
    println!("libseccomp {}.{}.{}", version.major, version.minor, version.micro);
}
