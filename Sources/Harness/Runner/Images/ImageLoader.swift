import Import
import Kernel
import Model
import Sandbox
import Vocabulary

/// Reads one image, and unpacks of it what is not there yet. Belongs to a thread of the session.
struct ImageLoader {
    private let session: Session
    let directory: String
    /// Makes the directory of a layer this process's, so that nobody takes it away; false where it is gone.
    private let claim: @Sendable (String) -> Bool

    init(_ session: Session, _ directory: String, claim: @escaping @Sendable (String) -> Bool) {
        (self.session, self.directory, self.claim) = (session, directory, claim)
    }

    var layers: String { directory + "/layers" }

    /// Whether a layer is there; then it is this process's, and was used now.
    func use(_ layer: String) -> Bool {
        guard Files.isDirectory(layer + "/root"), claim(layer), Files.isDirectory(layer + "/root") else { return false }
        Files.touch(layer)
        return true
    }

    static func isDigest(_ text: String) -> Bool {
        text.hasPrefix("sha256:") && text.utf8.count == 71
            && text.utf8.dropFirst(7).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// This machine's architecture, as Go calls it.
    private static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            "another architecture"
        #endif
    }

    /// overlayfs takes no layer twice (ELOOP); of equal ones the uppermost shows all that the others have.
    private static func unique(_ layers: [String]) -> [String] {
        var seen: Set<String> = []
        return layers.filter { seen.insert($0).inserted }
    }

    func load(_ target: String) throws -> LoadedImage {
        try ImageStore.makePrivate(directory)
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
                return try image(in: LayeredTree([path]), target).image
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
            let outcome = try HostCommand.run(
                [engine, "save", name], outputTo: file, interruption: session.cancellation.descriptor)
            if session.isCancelled { throw CannotRun(reason: "interrupted", remedy: "") }
            if outcome.status != 0 {
                throw CannotRun(reason: "\(engine) save \(name): \(outcome.complaint.printable.bounded)", remedy: "")
            }
            return try archive(file, "\(engine):\(name)", isNoted: false)
        }
    }

    /// A file: an image's parts, or a root file system.
    ///
    /// - Parameter isNoted: it will be there the next time.
    private func archive(_ path: String, _ name: String, isNoted: Bool = true) throws -> LoadedImage {
        if isNoted, let known = try recall(path, name) { return known }
        return try inStaging { staging in
            let tree = staging + "/archive"
            try Files.makeDirectory(tree)
            let unpacked = try LayerUnpacking(session: session).unpack(path, into: tree, name: name)
            if Files.exists(tree + "/manifest.json") || Files.exists(tree + "/index.json"), !Files.exists(tree + "/etc")
            {
                let (image, configuration) = try image(in: LayeredTree([tree]), name)
                if isNoted { try note(path, image, configuration: configuration) }
                return image
            }
            guard Files.names(in: tree).contains(where: { Files.isRealDirectory("\(tree)/\($0)") }) else {
                throw CannotRun(
                    reason: "\(name) has neither an image nor a root file system in it",
                    remedy: "name what docker save, podman save or docker export wrote")
            }
            // What `docker export` writes: one layer that says nothing of itself.
            let target = try keep(tree, as: "root-\(key(of: unpacked.plainDigest))", size: unpacked.size)
            if isNoted { try note(path, root: key(of: unpacked.plainDigest)) }
            return LoadedImage(configuration: ImageConfiguration(), isConfigured: false, layers: [target], name: name)
        }
    }

    // MARK: - Parts

    /// An image whose parts are files of a directory; and the bytes of its configuration.
    private func image(in tree: LayeredTree, _ name: String) throws -> (image: LoadedImage, configuration: [UInt8]) {
        let parts = try parts(in: tree, name)
        let bytes = try read(parts.configuration, in: tree, name)
        let configuration = try configuration(bytes, name)
        guard configuration.layers.count == parts.layers.count else {
            throw CannotRun(
                reason:
                    "\(name): the manifest names \(parts.layers.count) layers, the configuration \(configuration.layers.count)",
                remedy: "")
        }
        var directories: [String] = []
        for (number, (part, digest)) in zip(parts.layers, configuration.layers).enumerated() {
            guard ImageLoader.isDigest(digest) else {
                throw CannotRun(reason: "\(name): '\(digest.printable.bounded)' is no digest of a layer", remedy: "")
            }
            let words = "\(name), layer \(number + 1) of \(parts.layers.count)"
            directories.append(try layer(part, digest, in: tree, words))
        }
        if directories.isEmpty { throw CannotRun(reason: "\(name) has no layers", remedy: "") }
        let image = LoadedImage(
            configuration: configuration, isConfigured: true, layers: ImageLoader.unique(directories.reversed()),
            name: parts.names.first?.printable.bounded ?? name)
        return (image, bytes)
    }

    private func parts(in tree: LayeredTree, _ name: String) throws -> ImageManifest.Parts {
        if tree.has("/manifest.json") {
            return try ImageManifest.ofArchive(try bytes("/manifest.json", in: tree, name))
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

    func configuration(_ bytes: [UInt8], _ name: String) throws -> ImageConfiguration {
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
    /// - Parameter digest: of its uncompressed archive.
    private func layer(_ part: ImageManifest.Part, _ digest: String, in tree: LayeredTree, _ name: String) throws
        -> String
    {
        if use("\(layers)/\(key(of: digest))") { return "\(layers)/\(key(of: digest))/root" }
        guard let file = tree.find("/" + part.path), let size = Files.sizeOfRegularFile(file) else {
            throw CannotRun(reason: "\(name): there is no \(part.path) in it", remedy: "")
        }
        if let wanted = part.size, wanted != size {
            throw CannotRun(reason: "\(name): it has \(size) bytes, and is to have \(wanted)", remedy: "")
        }
        return try inStaging { staging in
            let root = staging + "/root"
            try Files.makeDirectory(root)
            let unpacked = try LayerUnpacking(session: session).unpack(
                file, into: root, name: name, digest: part.digest, plainDigest: digest)
            try Whiteouts.convert(root)
            return try keep(root, as: key(of: digest), size: unpacked.size)
        }
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
        }
        guard use("\(layers)/\(key)") else {
            throw CannotRun(reason: "\(layers)/\(key) was taken away meanwhile", remedy: "run again")
        }
        return "\(layers)/\(key)/root"
    }

    /// A directory of this run's, which is gone in the end; what dead runs have left of theirs goes first.
    private func inStaging<Value>(_ work: (String) throws -> Value) throws -> Value {
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
}
