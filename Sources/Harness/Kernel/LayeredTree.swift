import CLinux
import Glibc

/// Directories of the host that are seen as one tree, the first on top, as overlayfs shows its lower layers; looked at without
/// mounting them.
///
/// Symbolic links are followed and lead nowhere but inside; what a layer hides of those below it, by a whiteout or an opaque
/// directory (Documentation/filesystems/overlayfs.rst), is not seen. Nobody else changes them meanwhile.
package struct LayeredTree: Hashable, Sendable {
    /// Absolute, the first on top; `/` is the host's own root.
    package let layers: [String]

    package init(_ layers: [String]) { self.layers = layers }

    private static let linkLimit = 40

    /// The host's own root.
    package static let host = LayeredTree(["/"])
    /// Whether it is the host's own root.
    package var isHost: Bool { layers == ["/"] }

    /// Where a path is on the host, symbolic links followed to their end; nil where there is nothing.
    package func find(_ path: String) -> String? { place(of: path, followsLast: true)?.onHost }

    /// Whether there is something, be it a link that leads nowhere.
    package func has(_ path: String) -> Bool { place(of: path, followsLast: false) != nil }

    /// The place of a path inside, without symbolic links: `/usr/bin/sh` for `/bin/sh`; nil where there is nothing.
    package func realPath(_ path: String) -> String? { place(of: path, followsLast: true)?.inside }

    /// The names in a directory, each once, in order; none where there is no directory.
    package func names(in path: String) -> [String] {
        guard let inside = realPath(path) else { return [] }
        var (names, hidden): (Set<String>, Set<String>) = ([], [])
        for layer in reachable(inside) {
            let directory = LayeredTree.join(layer, inside)
            for name in Files.names(in: directory) {
                if Files.isWhiteout("\(directory)/\(name)") {
                    hidden.insert(name)
                } else if !hidden.contains(name) {
                    names.insert(name)
                }
            }
        }
        return names.sorted()
    }

    /// Copies what is in a directory: directories, regular files and symbolic links, with owners and modes.
    ///
    /// - Throws: `SystemCallError`.
    package func copyContents(of path: String, to target: String) throws {
        for name in names(in: path) {
            let inside = path == "/" ? "/\(name)" : "\(path)/\(name)"
            guard let source = place(of: inside, followsLast: false)?.onHost else { continue }
            let copy = "\(target)/\(name)"
            if Files.isRealDirectory(source) {
                try Files.makeDirectory(copy)
                try copyContents(of: inside, to: copy)
                try Files.copyOwnerAndMode(from: source, to: copy)
            } else {
                try Files.copyEntry(from: source, to: copy)
            }
        }
    }

    /// How many bytes the regular files of a directory have; counting ends beyond a limit.
    package func size(of path: String, upTo limit: Int) -> Int {
        var size = 0
        for name in names(in: path) where size <= limit {
            let inside = path == "/" ? "/\(name)" : "\(path)/\(name)"
            guard let source = place(of: inside, followsLast: false)?.onHost else { continue }
            if Files.isRealDirectory(source) {
                size += self.size(of: inside, upTo: limit - size)
            } else {
                size += Files.target(ofLink: source) == nil ? Files.sizeOfRegularFile(source) ?? 0 : 0
            }
        }
        return size
    }

    // MARK: - Walking

    private func place(of path: String, followsLast: Bool) -> (inside: String, onHost: String)? {
        var waiting = Array(path.split(separator: "/").map(String.init).reversed())
        var inside: [String] = []
        var links = 0
        while let name = waiting.popLast() {
            if name == "." { continue }
            if name == ".." {
                inside = inside.dropLast()
                continue
            }
            guard let found = entry(inside + [name]) else { return nil }
            if let text = Files.target(ofLink: found), !waiting.isEmpty || followsLast {
                links += 1
                guard links <= LayeredTree.linkLimit else { return nil }
                if text.hasPrefix("/") { inside = [] }
                waiting += text.split(separator: "/").map(String.init).reversed()
            } else {
                if !waiting.isEmpty, !Files.isRealDirectory(found) { return nil }
                inside.append(name)
            }
        }
        let path = "/" + inside.joined(separator: "/")
        guard let found = inside.isEmpty ? layers.first : entry(inside) else { return nil }
        return (path, found)
    }

    /// What the uppermost layer has at a path whose directories are no links; nil where none has it, or it is hidden.
    private func entry(_ names: [String]) -> String? {
        let path = "/" + names.joined(separator: "/")
        for layer in reachable("/" + names.dropLast().joined(separator: "/")) {
            let place = LayeredTree.join(layer, path)
            if Files.isWhiteout(place) { return nil }
            if Files.existsItself(place) { return place }
        }
        return nil
    }

    /// The layers that show in a directory: those down to the first that hides what is below it.
    private func reachable(_ directory: String) -> [String] {
        let parts = directory.split(separator: "/")
        var result: [String] = []
        for layer in layers {
            var path = layer == "/" ? "" : layer
            var isThere = true
            var isLast = false
            for part in parts {
                path += "/\(part)"
                if Files.isWhiteout(path) || (Files.existsItself(path) && !Files.isRealDirectory(path)) {
                    (isThere, isLast) = (false, true)
                } else if !Files.existsItself(path) {
                    isThere = false
                } else if Files.isOpaque(path) {
                    isLast = true
                }
                if !isThere { break }
            }
            if isThere { result.append(layer) }
            if isLast { break }
        }
        return result
    }

    private static func join(_ layer: String, _ path: String) -> String { layer == "/" ? path : layer + path }
}

extension Files {
    /// A device 0:0, by which overlayfs hides what is below.
    package static func isWhiteout(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
    }

    /// A directory that shows nothing of those below.
    package static func isOpaque(_ path: String) -> Bool { clinux_is_opaque(path) }

    /// Puts a whiteout where there is nothing.
    ///
    /// - Throws: `SystemCallError`.
    package static func makeWhiteout(_ path: String) throws {
        if mknod(path, S_IFCHR, 0) != 0 { throw SystemCallError("make whiteout", path, Errno(rawValue: errno)) }
    }

    /// Makes a directory opaque.
    ///
    /// - Throws: `SystemCallError`.
    package static func makeOpaque(_ path: String) throws {
        let result = clinux_make_opaque(path)
        if result < 0 { throw SystemCallError("make opaque", path, Errno(rawValue: -result)) }
    }

    /// Whether there is anything of this name, be it a link that leads nowhere.
    package static func existsItself(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Whether it is a directory itself, and no link to one.
    package static func isRealDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
