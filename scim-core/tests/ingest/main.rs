//! Laws of reading: what is written is read back, nothing takes more than linear time, and what no schema
//! knows is kept where that is wanted.

mod kept;
mod linear;
mod round_trip;
