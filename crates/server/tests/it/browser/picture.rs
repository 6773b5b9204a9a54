//! The picture of the API Keys page in the README.
