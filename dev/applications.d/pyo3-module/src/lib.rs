//! A Python module: a function with keyword arguments, a class, and an exception.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Sums numbers, as a docstring says.
#[pyfunction]
#[pyo3(signature = (*numbers, times = 1))]
fn sum(numbers: Vec<i64>, times: i64) -> PyResult<i64> {
    if numbers.is_empty() {
        return Err(PyValueError::new_err("no numbers"));
    }
    Ok(numbers.iter().sum::<i64>() * times)
}

#[pyclass]
struct Counter {
    #[pyo3(get)]
    count: u32,
}

#[pymethods]
impl Counter {
    #[new]
    fn new() -> Self {
        Self { count: 0 }
    }

    fn __call__(&mut self) {
        self.count += 1;
    }
}

#[pymodule]
fn pyo3_module(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sum, module)?)?;
    module.add_class::<Counter>()
}
