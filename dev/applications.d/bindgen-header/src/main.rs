//! Bindings that bindgen generates from a header with a macro, an enumeration, a union and a function.

#[allow(dead_code, non_camel_case_types, non_upper_case_globals)]
mod shapes {
    pub const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/shapes.rs"));
    include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
}

use shapes::{SHAPES_LIMIT, shape, shape_kind_SHAPE_BOX, shape_kind_SHAPE_LINE, shapes_area};

fn main() {
    let mut shapes = [shape { kind: shape_kind_SHAPE_LINE, size: unsafe { std::mem::zeroed() } }; 2];
    shapes[0].size.length = 500;
    shapes[1].kind = shape_kind_SHAPE_BOX;
    shapes[1].size.box_ = shapes::shape__bindgen_ty_1__bindgen_ty_1 { width: 6, height: 7 };
    println!(
        "area {} of {} bytes, at most {SHAPES_LIMIT}",
        unsafe { shapes_area(shapes.as_ptr(), 2) },
        size_of_val(&shapes)
    );
    println!("{}", shapes::TEXT);
}
