import Import
import Kernel
import Model
import Sandbox
import Synchronization
import Vocabulary

/// An image on this machine, ready to make containers of.
package struct LoadedImage: Sendable {
    /// What it says of its containers; of a directory or an exported root: nothing.
    package let configuration: ImageConfiguration
    /// Whether it has a configuration at all.
    package let isConfigured: Bool
    /// The directories of the host that its layers are in, the first on top.
    package let layers: [String]
    /// As a person would call it: `nginx:1.27`, or the file's name.
    package let name: String
}

/// Images, unpacked once, layer by layer, into a cache.
///
/// The cache is `harness/images` in the user's cache (XDG Base Directory Specification); nothing but this user can change what is in
/// it. `layers/` has a directory for each layer, by the digest of its uncompressed archive, which has been verified; `known/` what is
/// known of files that were read before. A layer is made in a directory of its own, which is locked, and renamed when it is whole: what
/// is not locked and not whole is a leftover.
package final class ImageStore: Sendable {
    private let loaded = Mutex<[String: Result<LoadedImage, CannotRun>]>([:])
    /// The layers that this process uses: nobody takes them away meanwhile.
    private let claims = Mutex<[String: Claim]>([:])

    init() {}

    /// Where images are unpacked; nil where the environment does not say.
    package static var usualDirectory: String? {
        DurationHistory.usualPath.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) + "/images" }
    }

    /// Loads an image: a file that `docker save`, `podman save` or `docker export` wrote, an OCI layout, a directory with a root file
    /// system, or `docker:NAME` and `podman:NAME`, which are asked to save it. Blocks until it is unpacked.
    ///
    /// - Throws: `CannotRun`.
    package func load(_ target: String, in session: Session) throws(CannotRun) -> LoadedImage {
        guard let directory = ImageStore.usualDirectory else {
            throw CannotRun(reason: "there is no place to unpack images", remedy: "set XDG_CACHE_HOME or HOME")
        }
        // One at a time, and each once.
        let result = loaded.withLock { loaded in
            if let known = loaded[target] { return known }
            let result: Result<LoadedImage, CannotRun>
            do {
                let loader = ImageLoader(session, directory) { [self] in claim($0) }
                let image = try session.onOwnThread { try loader.load(target) }
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

    private func claim(_ layer: String) -> Bool {
        claims.withLock { claims in
            if claims[layer] == nil { claims[layer] = Claim(sharing: layer) }
            return claims[layer] != nil
        }
    }
}

extension ImageStore {
    /// Makes a directory that only this user can read, and its parents.
    static func makePrivate(_ path: String) throws {
        var directory = ""
        for part in path.split(separator: "/") {
            directory += "/\(part)"
            try Files.makeDirectory(directory, mode: 0o700)
        }
        guard Files.isSafe(path), Files.setMode(of: path, 0o700) else {
            throw CannotRun(
                reason: "\(path) can be changed by others", remedy: "set XDG_CACHE_HOME to a place of your own")
        }
    }
}
