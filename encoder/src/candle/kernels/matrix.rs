//! Products of matrices that lie inside larger buffers, by the `gemm` crate.
#![allow(unsafe_code, reason = "gemm takes raw pointers; the views below check what they point to")]

use gemm::{Parallelism, gemm};

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    shape: Shape,
}

/// A matrix to write to, inside a slice.
pub(super) struct MatrixMut<'a> {
    values: &'a mut [f32],
    shape: Shape,
}

/// Extent of a matrix and the distances in the slice from one row or column to the next.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl Shape {
    /// Rows that lie `stride` apart, values of a row side by side.
    pub fn rows(rows: usize, cols: usize, stride: usize) -> Self {
        Self { rows, cols, row_stride: stride, col_stride: 1 }
    }

    fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride }
    }

    fn fits(self, len: usize) -> bool {
        self.rows == 0 || self.cols == 0 || (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride < len
    }
}

impl<'a> Matrix<'a> {
    pub fn new(values: &'a [f32], shape: Shape) -> Self {
        assert!(shape.fits(values.len()), "matrix reaches beyond its slice");
        Self { values, shape }
    }

    pub fn transposed(self) -> Self {
        Self { shape: self.shape.transposed(), ..self }
    }
}

impl<'a> MatrixMut<'a> {
    pub fn new(values: &'a mut [f32], shape: Shape) -> Self {
        assert!(shape.fits(values.len()), "matrix reaches beyond its slice");
        Self { values, shape }
    }
}

/// `out = scale * a * b`, on the calling thread.
pub(super) fn multiply(out: &mut MatrixMut, scale: f32, a: Matrix, b: Matrix) {
    let (m, n, k) = (out.shape.rows, out.shape.cols, a.shape.cols);
    assert!((a.shape.rows, b.shape.rows, b.shape.cols) == (m, k, n), "matrix extents do not match");
    // SAFETY: `new` made sure that every element lies inside the slices, whose lifetimes cover this call; strides fit
    // isize because slices do; `out` is borrowed mutably, so it overlaps neither input.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.values.as_mut_ptr(),
            out.shape.col_stride as isize,
            out.shape.row_stride as isize,
            false,
            a.values.as_ptr(),
            a.shape.col_stride as isize,
            a.shape.row_stride as isize,
            b.values.as_ptr(),
            b.shape.col_stride as isize,
            b.shape.row_stride as isize,
            0.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
