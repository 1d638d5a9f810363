//! Fontconfig and FreeType of the system.

use std::ptr::null_mut;

fn main() {
    println!("Fontconfig {}", unsafe { fontconfig_sys::FcGetVersion() });
    let (mut library, mut face) = (null_mut(), null_mut());
    unsafe {
        assert_eq!(freetype_sys::FT_Init_FreeType(&mut library), 0);
        let error = freetype_sys::FT_New_Face(library, c"no-such-font".as_ptr(), 0, &mut face);
        println!("FreeType opens a font that does not exist: {}", error == 0);
        freetype_sys::FT_Done_FreeType(library);
    }
}
