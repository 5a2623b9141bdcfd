import CLinux

/// The commit that this program was built from.
package enum BuildCommit {
    /// Nil: it was not built by `make build`.
    package static var text: String? {
        let text = String(cString: clinux_commit())
        return text.isEmpty ? nil : text
    }
}
