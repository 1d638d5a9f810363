//! libusb, and hidapi on libudev.

fn main() {
    let version = unsafe { &*libusb1_sys::libusb_get_version() };
    println!("libusb {}.{}.{}", version.major, version.minor, version.micro);
    let devices = hidapi::HidApi::new_without_enumerate().unwrap();
    println!("opens what does not exist: {}", devices.open(0xffff, 0xffff).is_ok());
}
