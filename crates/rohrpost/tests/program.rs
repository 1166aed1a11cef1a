//! The program as an operator meets it: real processes, real signals, real sockets on this computer.

mod cli;
mod demo;
mod operator;
mod roster;
mod serve;
