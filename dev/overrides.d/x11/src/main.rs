//! Xlib, XCB and libxkbcommon.

use xkbcommon::xkb;

fn main() {
    let display = unsafe { x11::xlib::XOpenDisplay(c":no-such-display".as_ptr()) };
    println!("Xlib connects to a display that does not exist: {}", !display.is_null());
    println!("XCB does: {}", xcb::Connection::connect(Some(":no-such-display")).is_ok());
    println!("a key: {:?}", xkb::keysym_from_name("Escape", xkb::KEYSYM_NO_FLAGS));
}
