//! Numbers as polynomials, with which it can be proven what a straight piece of code computes.
//!
//! A number of 64 bits is a polynomial of *atoms*: unknown numbers, whose greatest value is known. As long as a sum or product
//! cannot wrap around, it is exact; otherwise it holds modulo 2^64. The halves of an exact number `n` of 64 bits are two more
//! atoms, `l` and `h`, with `n = l + 2^32 h`. So what is left of `n` when its half was dropped is never guessed: in a proof, `h` is
//! replaced by `(n - l) / 2^32`, and what does not vanish then must lie in a range that leaves no choice.
//!
//! Always true: coefficients count modulo 2^128, and so do all equations between polynomials here. That is enough for products
//! of 128 bits, because atoms are whole numbers.

use std::collections::BTreeMap;

/// A number of 64 bits.
#[derive(Clone, Debug)]
pub struct Number {
    polynomial: Polynomial,
    /// The greatest value of the polynomial, if it is the number, and not only modulo 2^64.
    exact: Option<u64>,
}

/// The sum of some products of atoms, each with its coefficient. A product is the sorted list of its atoms.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
struct Polynomial(BTreeMap<Vec<usize>, i128>);

/// An unknown number.
struct Atom {
    greatest: u64,
    /// If it is the upper half of another number: that, and its lower half.
    upper_of: Option<(Polynomial, usize)>,
}

/// All atoms there are.
#[derive(Default)]
pub struct Algebra {
    atoms: Vec<Atom>,
    /// The lower and upper halves of numbers.
    halves: BTreeMap<Polynomial, (usize, usize)>,
}

/// How many products a polynomial may have. A product of two numbers has about thirty.
const MOST_TERMS: usize = 200;
const HALF: u64 = u32::MAX as u64;

impl Polynomial {
    fn constant(value: i128) -> Polynomial {
        Polynomial(BTreeMap::from_iter((value != 0).then_some((Vec::new(), value))))
    }

    fn atom(atom: usize) -> Polynomial {
        Polynomial(BTreeMap::from([(vec![atom], 1)]))
    }

    fn add_term(&mut self, atoms: Vec<usize>, coefficient: i128) {
        let sum = self.0.get(&atoms).copied().unwrap_or(0).wrapping_add(coefficient);
        match sum {
            0 => self.0.remove(&atoms),
            _ => self.0.insert(atoms, sum),
        };
    }

    /// Adds a multiple of another one.
    fn add(&mut self, other: &Polynomial, times: i128) {
        for (atoms, coefficient) in &other.0 {
            self.add_term(atoms.clone(), coefficient.wrapping_mul(times));
        }
    }

    fn times(&self, other: &Polynomial) -> Option<Polynomial> {
        if self.0.len() * other.0.len() > MOST_TERMS {
            return None;
        }
        let mut product = Polynomial::default();
        for (left, x) in &self.0 {
            for (right, y) in &other.0 {
                let mut atoms = [&left[..], right].concat();
                atoms.sort_unstable();
                product.add_term(atoms, x.wrapping_mul(*y));
            }
        }
        Some(product)
    }

    /// Whether all coefficients are multiples of 2^64.
    fn vanishes(&self) -> bool {
        self.0.values().all(|coefficient| coefficient % (1 << 64) == 0)
    }

    fn value(&self) -> Option<u64> {
        match self.0.first_key_value() {
            None => Some(0),
            Some((atoms, value)) if atoms.is_empty() && self.0.len() == 1 => {
                u64::try_from(*value).ok()
            }
            Some(_) => None,
        }
    }
}

impl Algebra {
    /// A number about which nothing is known, with an atom of its own.
    pub fn unknown(&mut self) -> Number {
        let atom = self.atom(u64::MAX, None);
        Number { polynomial: Polynomial::atom(atom), exact: Some(u64::MAX) }
    }

    /// A constant.
    pub fn constant(&self, value: u64) -> Number {
        Number { polynomial: Polynomial::constant(value.into()), exact: Some(value) }
    }

    /// A sum.
    #[expect(clippy::unnecessary_wraps, reason = "all operations have the same type")]
    pub fn add(&mut self, x: &Number, y: &Number) -> Option<Number> {
        let mut polynomial = x.polynomial.clone();
        polynomial.add(&y.polynomial, 1);
        let exact = x.exact.zip(y.exact).and_then(|(x, y)| x.checked_add(y));
        Some(Number { polynomial, exact })
    }

    /// A product.
    pub fn multiply(&mut self, x: &Number, y: &Number) -> Option<Number> {
        let polynomial = x.polynomial.times(&y.polynomial)?;
        let exact = x.exact.zip(y.exact).and_then(|(x, y)| x.checked_mul(y));
        Some(Number { polynomial, exact })
    }

    /// A number without its upper half, which is all that is needed of this operator.
    pub fn and(&mut self, x: &Number, y: &Number) -> Option<Number> {
        match (x.polynomial.value(), y.polynomial.value()) {
            (_, Some(HALF)) => self.half(x, false),
            (Some(HALF), _) => self.half(y, false),
            _ => None,
        }
    }

    /// The sum of two numbers that have no bit in common: a lower half, and one that was shifted.
    pub fn or(&mut self, x: &Number, y: &Number) -> Option<Number> {
        let is_low = |number: &Number| number.exact.is_some_and(|greatest| greatest <= HALF);
        let is_high = |number: &Number| {
            number.exact.is_some() && number.polynomial.0.values().all(|it| it % (1 << 32) == 0)
        };
        let disjoint = is_low(x) && is_high(y) || is_low(y) && is_high(x);
        disjoint.then(|| self.add(x, y)).flatten()
    }

    /// A number shifted by 32 bits, so that its lower half is left.
    pub fn shift_left(&mut self, x: &Number, by: &Number) -> Option<Number> {
        if by.polynomial.value()? != 32 {
            return None;
        }
        let low = self.half(x, false)?;
        let shifted = self.constant(1 << 32);
        self.multiply(&low, &shifted)
    }

    /// The upper half of a number.
    pub fn shift_right(&mut self, x: &Number, by: &Number) -> Option<Number> {
        (by.polynomial.value()? == 32).then(|| self.half(x, true)).flatten()
    }

    fn half(&mut self, number: &Number, upper: bool) -> Option<Number> {
        number.exact?;
        let (low, high) = match self.halves.get(&number.polynomial) {
            Some(&halves) => halves,
            None => {
                let low = self.atom(HALF, None);
                let high = self.atom(HALF, Some((number.polynomial.clone(), low)));
                self.halves.insert(number.polynomial.clone(), (low, high));
                (low, high)
            }
        };
        let polynomial = Polynomial::atom(if upper { high } else { low });
        Some(Number { polynomial, exact: Some(HALF) })
    }

    fn atom(&mut self, greatest: u64, upper_of: Option<(Polynomial, usize)>) -> usize {
        self.atoms.push(Atom { greatest, upper_of });
        self.atoms.len() - 1
    }

    /// Whether two numbers are the halves of the product of two others, modulo 2^128. Those are given by their atoms of 64
    /// bits, the lower first.
    ///
    /// The product minus 2^64 times its upper half must be something that is not negative and less than 2^64: then it is the
    /// lower half, and the other one is right.
    pub fn is_product(
        &self,
        low: &Number,
        high: &Number,
        x: (usize, Option<usize>),
        y: (usize, Option<usize>),
    ) -> bool {
        let factor = |(low, high): (usize, Option<usize>)| {
            let mut factor = Polynomial::atom(low);
            if let Some(high) = high {
                factor.add(&Polynomial::atom(high), 1 << 64);
            }
            factor
        };
        let Some(product) = factor(x).times(&factor(y)) else { return false };
        let mut rest = product.clone();
        rest.add(&high.polynomial, -(1 << 64));
        let Some(rest) = self.without_upper_halves(rest) else { return false };
        if !self.fits(&rest) {
            return false;
        }
        // The lower half is the same as either, modulo 2^64.
        let is_rest = self.without_upper_halves(low.polynomial.clone()).is_some_and(|mut low| {
            low.add(&rest, -1);
            low.vanishes()
        });
        let mut distance = low.polynomial.clone();
        distance.add(&product, -1);
        is_rest || distance.vanishes()
    }

    /// Replaces upper halves by the numbers that they are halves of. `None` where their multiples are no multiples of 2^32.
    fn without_upper_halves(&self, mut polynomial: Polynomial) -> Option<Polynomial> {
        // Numbers are made of atoms that were there before their halves.
        for (atom, upper) in self.atoms.iter().enumerate().rev() {
            let Some((number, low)) = &upper.upper_of else { continue };
            let mut twice = number.clone();
            twice.add_term(vec![*low], -1);
            while let Some((atoms, &coefficient)) =
                polynomial.0.iter().find(|(atoms, _)| atoms.contains(&atom))
            {
                if coefficient % (1 << 32) != 0 || polynomial.0.len() > MOST_TERMS {
                    return None;
                }
                let mut others = atoms.clone();
                polynomial.add_term(others.clone(), coefficient.wrapping_neg());
                let position = others.iter().position(|other| *other == atom)?;
                others.remove(position);
                let others = Polynomial(BTreeMap::from([(others, coefficient / (1 << 32))]));
                polynomial.add(&others.times(&twice)?, 1);
            }
        }
        Some(polynomial)
    }

    /// Whether a polynomial is never negative, and always less than 2^64.
    fn fits(&self, polynomial: &Polynomial) -> bool {
        let greatest = polynomial.0.iter().try_fold(0_u128, |sum, (atoms, &coefficient)| {
            let mut product = u128::try_from(coefficient).ok()?;
            for &atom in atoms {
                product = product.checked_mul(self.atoms[atom].greatest.into())?;
            }
            sum.checked_add(product)
        });
        greatest.is_some_and(|greatest| greatest <= u64::MAX.into())
    }
}
