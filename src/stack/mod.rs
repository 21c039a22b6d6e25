//! The stack model: pure, it takes text and values and gives values back.
