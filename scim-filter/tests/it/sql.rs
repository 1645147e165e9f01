//! Filters as SQL: the text, and that two databases decide as the evaluator does.

mod agreement;
mod data;
mod databases;
mod text;
