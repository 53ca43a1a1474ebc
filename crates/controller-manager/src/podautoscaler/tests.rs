mod calculator;
mod horizontal;
