extension String {
    /// The same on one line of a report: control characters are shown, not obeyed. What runs inside may print, or call itself, what it
    /// likes.
    package var printable: String {
        func isControl(_ scalar: Unicode.Scalar) -> Bool {
            // C0, C1, and what makes text run backwards or ends a line in some places (Unicode, 23.2 and 23.3).
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
        }
        guard unicodeScalars.contains(where: isControl) else { return self }
        return unicodeScalars.map { isControl($0) ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
    }
}
