import CLinux
import Glibc

/// A thread of its own, for work that blocks: it never runs on a pool, and what it starts lives as long as it does.
package struct Thread: Sendable {
    private let handle: pthread_t

    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts it at once.
    ///
    /// - Throws: `Errno.wouldBlock` when there are too many threads.
    ///
    /// The corresponding C function is `pthread_create(3)`.
    package init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        let work = Unmanaged.passRetained(Work(body))
        var handle = pthread_t()
        // As large as usual, also where the limit on this process's stack is small.
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 8 << 20)
        let result = pthread_create(
            &handle, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        if result != 0 {
            work.release()
            throw Errno(rawValue: result)
        }
        self.handle = handle
    }

    /// Waits until it has ended. Once; blocks the calling thread.
    package func join() {
        pthread_join(handle, nil)
    }

    /// Lets it end by itself: nobody waits for it. Once, in place of `join`.
    package func detach() {
        pthread_detach(handle)
    }
}
