import Kernel

/// An image layer's marks of what it hides (OCI image-spec, layer.md), as overlayfs has them.
enum Whiteouts {
    private static let mark = ".wh."
    private static let opaque = ".wh..wh..opq"

    /// Replaces `.wh.NAME` by a whiteout, and the mark of an opaque directory by its attribute.
    ///
    /// - Throws: `SystemCallError`.
    static func convert(_ directory: String) throws {
        let names = Files.names(in: directory)
        for name in names {
            let path = "\(directory)/\(name)"
            if name.hasPrefix(mark) {
                Files.remove(path)
                if name == opaque {
                    try Files.makeOpaque(directory)
                } else if !name.hasPrefix(".wh..wh.") {
                    // What the same layer brings is there: of a directory, as Docker and Podman unpack it, also what is below.
                    let hidden = "\(directory)/\(name.dropFirst(mark.count))"
                    if !Files.existsItself(hidden) { try Files.makeWhiteout(hidden) }
                }
            } else if Files.isRealDirectory(path) {
                try convert(path)
            }
        }
    }
}
