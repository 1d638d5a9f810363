//! A Node.js addon: a function that takes an object, a class, and an error.

use napi::bindgen_prelude::{Error, Result};
use napi_derive::napi;

#[napi(object)]
pub struct Order {
    pub name: String,
    pub numbers: Vec<i32>,
}

#[napi]
pub fn sum_of(order: Order) -> Result<String> {
    if order.numbers.is_empty() {
        return Err(Error::from_reason(format!("{} has no numbers", order.name)));
    }
    Ok(format!("{}: {}", order.name, order.numbers.iter().sum::<i32>()))
}

#[napi]
#[derive(Default)]
pub struct Counter {
    count: u32,
}

#[napi]
impl Counter {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi]
    pub fn add(&mut self, by: u32) -> u32 {
        self.count += by;
        self.count
    }
}
