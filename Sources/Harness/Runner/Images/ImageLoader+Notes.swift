import Import
import Kernel
import Model
import Vocabulary

/// What is known of files that were read before: which image is in them, as long as they do not change.
extension ImageLoader {
    /// A file as it is now: changed, it is another.
    private func knownPath(_ path: String) throws -> String {
        guard let stamp = Files.stamp(of: path) else { throw CannotRun(reason: "\(path) cannot be read", remedy: "") }
        return "\(directory)/known/\(ImageLoader.number("\(path)\n\(stamp)"))"
    }

    /// Notes an exported root by its digest.
    func note(_ path: String, root digest: String) throws { try note(path, ["root \(digest)"]) }

    /// Notes an image by its layers and its configuration.
    func note(_ path: String, _ image: LoadedImage, configuration: [UInt8]) throws {
        let text = String(decoding: configuration, as: UTF8.self)
        try note(path, ["name \(image.name)"] + image.layers.map { "layer \($0)" } + ["configuration", text])
    }

    private func note(_ path: String, _ lines: [String]) throws {
        try Files.makeDirectory(directory + "/known")
        // Whole or not at all: another run may read it.
        let (place, draft) = (try knownPath(path), "\(directory)/known/.\(RunName())")
        try Files.write(lines.joined(separator: "\n") + "\n", creating: draft)
        try Files.move(draft, to: place)
    }

    /// The image that was in a file; nil: it is not known, or one of its layers is gone.
    func recall(_ path: String, _ name: String) throws -> LoadedImage? {
        guard let text = Files.text(of: try knownPath(path)) else { return nil }
        let known = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let first = known.first, first.hasPrefix("root ") {
            let layer = "\(layers)/root-\(first.dropFirst(5))"
            guard use(layer) else { return nil }
            return LoadedImage(
                configuration: ImageConfiguration(), isConfigured: false, layers: [layer + "/root"], name: name)
        }
        guard let separator = known.firstIndex(of: "configuration") else { return nil }
        let directories = known[..<separator].filter { $0.hasPrefix("layer ") }.map { String($0.dropFirst(6)) }
        guard !directories.isEmpty, directories.allSatisfy(isLayer) else { return nil }
        let own = known.first { $0.hasPrefix("name ") }.map { String($0.dropFirst(5)) }
        let bytes = Array(known[known.index(after: separator)...].joined(separator: "\n").utf8)
        return LoadedImage(
            configuration: try configuration(bytes, name), isConfigured: true, layers: directories, name: own ?? name)
    }

    /// Whether a path is that of a layer of the cache, which is there, and is this run's from here on.
    private func isLayer(_ path: String) -> Bool {
        guard path.hasPrefix(layers + "/"), path.hasSuffix("/root") else { return false }
        let key = path.dropFirst(layers.count + 1).dropLast("/root".count)
        return ImageLoader.isDigest("sha256:\(key)") && use("\(layers)/\(key)")
    }

    /// A text's number, 16 digits (FNV-1a): a name for what only this program names.
    private static func number(_ text: String) -> String {
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
