//! libwayland-client.

use wayland_sys::client::wl_display_connect;

fn main() {
    let display = unsafe { wl_display_connect(c"no-such-display".as_ptr()) };
    println!("connects to a display that does not exist: {}", !display.is_null());
}
