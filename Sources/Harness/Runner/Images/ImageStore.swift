import Import
import Kernel
import Model
import Sandbox
import Synchronization
import Vocabulary

/// An image on this machine, ready to make containers of.
public struct LoadedImage: Sendable {
    /// What it says of its containers; of a directory or an exported root: nothing.
    public let configuration: ImageConfiguration
    /// Whether it has a configuration at all.
    public let isConfigured: Bool
    /// The directories of the host that its layers are in, the first on top.
    public let layers: [String]
    /// As a person would call it: `nginx:1.27`, or the file's name.
    public let name: String
}

/// Images, unpacked once, layer by layer, into a cache.
///
/// The cache is `harness/images` in the user's cache (XDG Base Directory Specification); nothing but this user can change what is in
/// it. `layers/` has a directory for each layer, by the digest of its uncompressed archive, which has been verified; `known/` what is
/// known of files that were read before. A layer is made in a directory of its own, which is locked, and renamed when it is whole: what
/// is not locked and not whole is a leftover.
public final class ImageStore: Sendable {
    private let loaded = Mutex<[String: Result<LoadedImage, CannotRun>]>([:])
    /// The layers that this process uses: nobody takes them away meanwhile.
    private let claims = Mutex<[String: Claim]>([:])

    init() {}

    /// Where images are unpacked; nil where the environment does not say.
    public static var usualDirectory: String? {
        DurationHistory.usualPath.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) + "/images" }
    }

    /// Loads an image: a file that `docker save`, `podman save` or `docker export` wrote, an OCI layout, a directory with a root file
    /// system, or `docker:NAME` and `podman:NAME`, which are asked to save it. Blocks until it is unpacked.
    ///
    /// - Throws: `CannotRun`.
    public func load(_ target: String, in session: Session) throws(CannotRun) -> LoadedImage {
        guard let directory = ImageStore.usualDirectory else {
            throw CannotRun(reason: "there is no place to unpack images", remedy: "set XDG_CACHE_HOME or HOME")
        }
        // One at a time, and each once.
        let result = loaded.withLock { loaded in
            if let known = loaded[target] { return known }
            let result: Result<LoadedImage, CannotRun>
            do {
                let loader = ImageLoader(session, directory)
                let image = try session.onOwnThread { try loader.load(target) }
                claims.withLock { claims in
                    for layer in image.layers where layer.hasPrefix(directory + "/") {
                        let own = String(layer.dropLast("/root".count))
                        if claims[own] == nil { claims[own] = Claim(sharing: own) }
                    }
                }
                ImageCache(directory).trim()
                result = .success(image)
            } catch let error as CannotRun {
                result = .failure(error)
            } catch {
                result = .failure(CannotRun(reason: "\(target): \(error)", remedy: ""))
            }
            loaded[target] = result
            return result
        }
        return try result.get()
    }
}

/// Reads one image, and unpacks of it what is not there yet. Belongs to a thread of the session.
struct ImageLoader {
    private let session: Session
    private let directory: String

    init(_ session: Session, _ directory: String) {
        self.session = session
        self.directory = directory
    }

    private var layers: String { directory + "/layers" }

    /// This machine's architecture, as Go calls it.
    private static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            "other"
        #endif
    }

    func load(_ target: String) throws -> LoadedImage {
        for engine in ["docker", "podman"] where target.hasPrefix("\(engine):") {
            return try save(String(target.dropFirst(engine.count + 1)), by: engine)
        }
        guard let path = Files.realPath(target) else {
            throw CannotRun(
                reason: "there is no \(target)",
                remedy: "an image that Docker or Podman has is docker:\(target) or podman:\(target)")
        }
        if Files.isDirectory(path) {
            if Files.exists(path + "/manifest.json") || Files.exists(path + "/index.json") {
                return try image(in: LayeredTree([path]), target)
            }
            guard
                ["bin", "usr", "etc", "sbin"].contains(where: { Files.exists("\(path)/\($0)") }) || !hasOnlyFiles(path)
            else { throw CannotRun(reason: "\(target) is neither an OCI layout nor a root file system", remedy: "") }
            return LoadedImage(configuration: ImageConfiguration(), isConfigured: false, layers: [path], name: target)
        }
        guard Files.sizeOfRegularFile(path) != nil else {
            throw CannotRun(reason: "\(target) is neither a file nor a directory", remedy: "")
        }
        try ImageLoader.refuseOthers(path, target)
        return try archive(path, target)
    }

    /// A directory without a directory in it is no root.
    private func hasOnlyFiles(_ path: String) -> Bool {
        !Files.names(in: path).contains { Files.isRealDirectory("\(path)/\($0)") }
    }

    /// What is no archive, and what to do with it.
    private static func refuseOthers(_ path: String, _ target: String) throws {
        let bytes = try Descriptor.open(path, .read).read(upTo: 4096)
        // A tar archive has its mark at 257; compressed ones begin with bytes that are no text.
        if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) { return }
        guard !bytes.contains(0),
            let text = String(validating: bytes.dropLast(bytes.count == 4096 ? 3 : 0), as: UTF8.self)
        else { return }
        func begins(_ word: String) -> Bool {
            text.split(separator: "\n").contains { $0.hasPrefix(word) }
        }
        if bytes.isEmpty { throw CannotRun(reason: "\(target) is empty", remedy: "") }
        if begins("FROM ") || begins("from ") {
            throw CannotRun(
                reason: "\(target) is a Dockerfile, and what is checked is what it makes",
                remedy: "build it, and check docker:NAME, or what docker save NAME writes")
        }
        if text.first(where: { !$0.isWhitespace }) == "{" || text.first(where: { !$0.isWhitespace }) == "[" {
            throw CannotRun(
                reason: "\(target) is JSON, and no image", remedy: "name what docker save or podman save wrote")
        }
        if begins("apiVersion:") || begins("kind:") {
            throw CannotRun(
                reason: "\(target) is a Kubernetes manifest in YAML, and no image",
                remedy: "name the image that it uses: docker:NAME, or what docker save wrote")
        }
        if begins("services:") {
            throw CannotRun(
                reason: "\(target) is a compose file, and no image",
                remedy: "name the image that it uses: docker:NAME, or what docker save wrote")
        }
        throw CannotRun(
            reason: "\(target) is a text, and no image",
            remedy: "name what docker save or podman save wrote, an OCI layout, or a directory with a root file system")
    }

    // MARK: - Archives

    /// Asks an engine to save an image that it has.
    private func save(_ name: String, by engine: String) throws -> LoadedImage {
        guard !name.isEmpty, !name.hasPrefix("-") else {
            throw CannotRun(reason: "\(engine): takes the name of an image, as in \(engine):nginx", remedy: "")
        }
        guard Files.find(program: engine, in: Container.searchPath) != nil else {
            throw CannotRun(
                reason: "\(engine):\(name): there is no \(engine) here", remedy: "name what \(engine) save wrote")
        }
        return try inStaging { staging in
            let file = staging + "/saved.tar"
            let outcome = try HostCommand.run([engine, "save", name], outputTo: file)
            if outcome.status != 0 {
                throw CannotRun(reason: "\(engine) save \(name): \(outcome.complaint.printable.bounded)", remedy: "")
            }
            return try archive(file, "\(engine):\(name)")
        }
    }

    /// A file: an image's parts, or a root file system.
    private func archive(_ path: String, _ name: String) throws -> LoadedImage {
        let known = try recall(path)
        if let known, let image = try? image(known, name) { return image }
        return try inStaging { staging in
            let tree = staging + "/archive"
            try Files.makeDirectory(tree)
            let unpacked: LayerUnpacking.Outcome
            do {
                unpacked = try LayerUnpacking(session: session).unpack(path, into: tree, name: name)
            } catch {
                try? LayerUnpacking(session: session).clear(tree)
                throw error
            }
            if Files.exists(tree + "/manifest.json") || Files.exists(tree + "/index.json"), !Files.exists(tree + "/etc")
            {
                defer { try? LayerUnpacking(session: session).clear(tree) }
                let image = try image(in: LayeredTree([tree]), name)
                try remember(path, image, tree: tree)
                return image
            }
            guard Files.names(in: tree).contains(where: { Files.isRealDirectory("\(tree)/\($0)") }) else {
                throw CannotRun(
                    reason: "\(name) has neither an image nor a root file system in it",
                    remedy: "name what docker save, podman save or docker export wrote")
            }
            // What `docker export` writes: one layer that says nothing of itself.
            let target = try keep(tree, as: key(of: unpacked.plainDigest), size: unpacked.size)
            try note(path, ["root \(unpacked.plainDigest)"])
            return LoadedImage(configuration: ImageConfiguration(), isConfigured: false, layers: [target], name: name)
        }
    }

    // MARK: - Parts

    /// An image whose parts are files of a directory.
    private func image(in tree: LayeredTree, _ name: String) throws -> LoadedImage {
        let parts = try parts(in: tree, name)
        let configuration = try configuration(try read(parts.configuration, in: tree, name), name)
        guard configuration.layers.count == parts.layers.count else {
            throw CannotRun(
                reason:
                    "\(name): the manifest names \(parts.layers.count) layers, the configuration \(configuration.layers.count)",
                remedy: "")
        }
        var directories: [String] = []
        for (number, (part, digest)) in zip(parts.layers, configuration.layers).enumerated() {
            guard digest.hasPrefix("sha256:"), digest.utf8.count == 71 else {
                throw CannotRun(reason: "\(name): '\(digest.printable.bounded)' is no digest of a layer", remedy: "")
            }
            let words = "\(name), layer \(number + 1) of \(parts.layers.count)"
            directories.append(try layer(part, digest, in: tree, over: directories, words))
        }
        if directories.isEmpty { throw CannotRun(reason: "\(name) has no layers", remedy: "") }
        return LoadedImage(
            configuration: configuration, isConfigured: true, layers: directories.reversed(),
            name: parts.names.first ?? name)
    }

    private func parts(in tree: LayeredTree, _ name: String) throws -> ImageManifest.Parts {
        if tree.has("/manifest.json") {
            return try ImageManifest.ofArchive(try bytes("/manifest.json", in: tree, name), name: nil)
        }
        var part = try ImageManifest.ofIndex(
            try bytes("/index.json", in: tree, name), architecture: ImageLoader.architecture)
        // An index may name an index.
        for _ in 0..<3 {
            let bytes = try read(part, in: tree, name)
            if try !ImageManifest.isIndex(bytes) { return try ImageManifest.ofImage(bytes) }
            part = try ImageManifest.ofIndex(bytes, architecture: ImageLoader.architecture)
        }
        throw CannotRun(reason: "\(name): indexes in it name indexes", remedy: "")
    }

    private func configuration(_ bytes: [UInt8], _ name: String) throws -> ImageConfiguration {
        let configuration = try ImageConfiguration(json: bytes)
        let own = ImageLoader.architecture
        if let system = configuration.system, system != "linux" {
            throw CannotRun(reason: "\(name) is an image for \(system.printable.bounded)", remedy: "")
        }
        if let other = configuration.architecture, other != own, !other.isEmpty {
            throw CannotRun(
                reason: "\(name) is an image for \(other.printable.bounded), and this machine is \(own)",
                remedy: "pull it with --platform linux/\(own)")
        }
        return configuration
    }

    /// The bytes of a document, verified where its digest is known.
    private func read(_ part: ImageManifest.Part, in tree: LayeredTree, _ name: String) throws -> [UInt8] {
        let bytes = try bytes("/" + part.path, in: tree, name)
        if let size = part.size, size != bytes.count {
            throw CannotRun(
                reason: "\(name): \(part.path) has \(bytes.count) bytes, and is to have \(size)", remedy: "")
        }
        if let digest = part.digest {
            let own = try tree.find("/" + part.path).map { try LayerUnpacking(session: session).digest(of: $0) }
            if let own, own != digest {
                throw CannotRun(reason: "\(name): \(part.path) is to be \(digest), and is \(own)", remedy: "")
            }
        }
        return bytes
    }

    private static let documentLimitInBytes = 4 << 20

    private func bytes(_ path: String, in tree: LayeredTree, _ name: String) throws -> [UInt8] {
        guard let place = tree.find(path), let size = Files.sizeOfRegularFile(place) else {
            throw CannotRun(reason: "\(name): there is no \(path.dropFirst()) in it", remedy: "")
        }
        guard size <= ImageLoader.documentLimitInBytes else {
            throw CannotRun(reason: "\(name): \(path.dropFirst()) has more than 4 MiB", remedy: "")
        }
        return try Files.bytes(of: place)
    }

    // MARK: - Layers

    private func key(of digest: String) -> String { String(digest.dropFirst(7)) }

    /// The directory of a layer, unpacked where it is not there yet.
    ///
    /// - Parameters:
    ///   - digest: of its uncompressed archive.
    ///   - lower: the directories of those below it, the lowest first.
    private func layer(
        _ part: ImageManifest.Part, _ digest: String, in tree: LayeredTree, over lower: [String], _ name: String
    ) throws -> String {
        // A layer with hard links to what is below it is another over other layers.
        let bound = "\(key(of: digest))-on-\(ImageLoader.number(lower.joined(separator: ":")))"
        for key in [key(of: digest), bound] where Files.isDirectory("\(layers)/\(key)") {
            ImageStore.touch("\(layers)/\(key)")
            return "\(layers)/\(key)/root"
        }
        guard let file = tree.find("/" + part.path), let size = Files.sizeOfRegularFile(file) else {
            throw CannotRun(reason: "\(name): there is no \(part.path) in it", remedy: "")
        }
        if let wanted = part.size, wanted != size {
            throw CannotRun(reason: "\(name): it has \(size) bytes, and is to have \(wanted)", remedy: "")
        }
        return try inStaging { staging in
            let root = staging + "/root"
            try Files.makeDirectory(root)
            do {
                let unpacked = try LayerUnpacking(session: session).unpack(
                    file, into: root, name: name, digest: part.digest, plainDigest: digest)
                for link in unpacked.danglingLinks {
                    try self.link(link, in: root, over: LayeredTree(lower.reversed()), name)
                }
                try Whiteouts.convert(root)
                return try keep(
                    root, as: unpacked.danglingLinks.isEmpty ? key(of: digest) : bound, size: unpacked.size)
            } catch {
                try? LayerUnpacking(session: session).clear(root)
                throw error
            }
        }
    }

    /// A hard link to a file of a lower layer: as overlayfs would do it, the file comes up, and both names are links to it.
    private func link(
        _ link: (name: String, target: String), in root: String, over lower: LayeredTree, _ name: String
    ) throws {
        func parts(_ path: String) -> [String] { path.split(separator: "/").map(String.init).filter { $0 != "." } }
        let (target, place) = (parts(link.target), parts(link.name))
        guard !target.isEmpty, !place.isEmpty, !(target + place).contains(".."),
            let source = lower.find("/" + target.joined(separator: "/")), Files.sizeOfRegularFile(source) != nil
        else {
            throw CannotRun(
                reason: "\(name): a hard link to '\(link.target.printable.bounded)', which is in no layer", remedy: "")
        }
        for path in [target, place] {
            var directory = root
            for (depth, part) in path.dropLast().enumerated() {
                directory += "/\(part)"
                if Files.isRealDirectory(directory) { continue }
                try Files.makeDirectory(directory)
                if let own = lower.find("/" + path[...depth].joined(separator: "/")) {
                    try Files.copyOwnerAndMode(from: own, to: directory)
                }
            }
        }
        let (risen, linked) = (root + "/" + target.joined(separator: "/"), root + "/" + place.joined(separator: "/"))
        if !Files.existsItself(risen) { try Files.copyEntry(from: source, to: risen) }
        try Files.link(risen, to: linked)
    }

    /// Moves what is whole to its place; where another run was faster, its.
    ///
    /// - Parameter size: of its archive, in bytes.
    private func keep(_ tree: String, as key: String, size: Int) throws -> String {
        let staging = String(tree[..<(tree.lastIndex(of: "/") ?? tree.startIndex)])
        let whole = staging + "/whole"
        try Files.makeDirectory(whole)
        try Files.move(tree, to: whole + "/root")
        try Files.write("\(size)\n", creating: whole + "/size")
        try Files.makeDirectory(layers)
        do {
            try Files.move(whole, to: "\(layers)/\(key)")
        } catch {
            if !Files.isDirectory("\(layers)/\(key)/root") { throw error }
            try? LayerUnpacking(session: session).clear(whole)
        }
        return "\(layers)/\(key)/root"
    }

    /// A directory of this run's, which is gone in the end; what dead runs have left of theirs goes first.
    private func inStaging<Value>(_ work: (String) throws -> Value) throws -> Value {
        try ImageStore.makePrivate(directory)
        for name in Files.names(in: directory) where name.hasPrefix("staging-") {
            guard let claim = Claim.abandoned("\(directory)/\(name)") else { continue }
            try withExtendedLifetime(claim) {
                try LayerUnpacking(session: session).clear("\(directory)/\(name)")
                try? Files.removeDirectory("\(directory)/\(name)")
            }
        }
        let staging = "\(directory)/staging-\(RunName())-\(UInt32.random(in: 0 ... .max))"
        let claim = try Claim(making: staging)
        defer {
            withExtendedLifetime(claim) {
                try? LayerUnpacking(session: session).clear(staging)
                try? Files.removeDirectory(staging)
            }
        }
        return try work(staging)
    }

    // MARK: - What is known of files

    /// A file as it is now: changed, it is another.
    private func knownPath(_ path: String) throws -> String {
        guard let stamp = Files.stamp(of: path) else {
            throw CannotRun(reason: "\(path) cannot be looked at", remedy: "")
        }
        return "\(directory)/known/\(ImageLoader.number("\(path)\n\(stamp)"))"
    }

    /// A text's number, 16 digits (FNV-1a): a name for what only this program names.
    private static func number(_ text: String) -> String {
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private func note(_ path: String, _ lines: [String]) throws {
        try Files.makeDirectory(directory + "/known")
        // Whole or not at all: another run may read it.
        let (place, draft) = (try knownPath(path), "\(directory)/known/.\(RunName())")
        Files.remove(draft)
        try Files.write(lines.joined(separator: "\n") + "\n", creating: draft)
        try Files.move(draft, to: place)
    }

    private func remember(_ path: String, _ image: LoadedImage, tree: String) throws {
        let tree = LayeredTree([tree])
        let parts = try parts(in: tree, image.name)
        let text = String(decoding: try read(parts.configuration, in: tree, image.name), as: UTF8.self)
        try note(
            path,
            ["name \(image.name)"] + image.layers.map { "layer \($0)" } + ["configuration", text])
    }

    private func recall(_ path: String) throws -> [String]? {
        Files.text(of: try knownPath(path))?.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// An image from what was noted of it; nil where one of its layers is gone.
    private func image(_ known: [String], _ name: String) throws -> LoadedImage? {
        if let first = known.first, first.hasPrefix("root ") {
            let directory = "\(layers)/\(key(of: String(first.dropFirst(5))))"
            guard Files.isDirectory(directory + "/root") else { throw CannotRun(reason: "gone", remedy: "") }
            ImageStore.touch(directory)
            return LoadedImage(
                configuration: ImageConfiguration(), isConfigured: false, layers: [directory + "/root"], name: name)
        }
        guard let separator = known.firstIndex(of: "configuration") else { throw CannotRun(reason: "gone", remedy: "") }
        let directories = known[..<separator].filter { $0.hasPrefix("layer ") }.map { String($0.dropFirst(6)) }
        guard !directories.isEmpty, directories.allSatisfy(Files.isDirectory) else {
            throw CannotRun(reason: "gone", remedy: "")
        }
        for directory in directories { ImageStore.touch(String(directory.dropLast(5))) }
        let text = known[known.index(after: separator)...].joined(separator: "\n")
        let own = known.first { $0.hasPrefix("name ") }.map { String($0.dropFirst(5)) }
        return LoadedImage(
            configuration: try configuration(Array(text.utf8), name), isConfigured: true, layers: directories,
            name: own ?? name)
    }
}

extension ImageStore {
    /// Notes that something is used now: what has not been used longest goes first.
    static func touch(_ path: String) { Files.touch(path) }

    /// A directory that nobody else may look into, and those that lead to it.
    static func makePrivate(_ path: String) throws {
        var directory = ""
        for part in path.split(separator: "/") {
            directory += "/\(part)"
            try Files.makeDirectory(directory, mode: 0o700)
        }
        guard Files.isSafe(path) else {
            throw CannotRun(
                reason: "\(path) can be changed by others", remedy: "set XDG_CACHE_HOME to a place of your own")
        }
    }
}

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
