//! Tests of the public interface: decoding, imports, training, and prediction.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "helpers of tests, small numbers"
)]

mod classification;
mod decoding;
mod detection;
mod import;
mod jpeg_coding;
