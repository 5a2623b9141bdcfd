import Glibc

/// A value that threads share, and of which they wait for a change.
///
/// It can be sent because nothing reaches the value but with the lock held.
package final class Monitor<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Who is to look at the value again after a change.
    package enum Waking: Sendable {
        /// All who wait: what they wait for differs.
        case all
        /// Any one of them: they wait for the same thing, and it is there once.
        case one
        /// Nobody waits for this.
        case none
    }

    /// Reads or changes the value, and wakes those who wait. Blocks while another thread does.
    package func withLock<Result>(
        waking: Waking = .all, _ body: (inout Value) throws -> Result
    ) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer {
            wake(waking)
            pthread_mutex_unlock(mutex)
        }
        return try body(&value)
    }

    /// Calls the body with each change of the value until it returns a result. Blocks the calling thread, without a limit: another thread must bring
    /// the change about.
    ///
    /// - Parameter body: changes the value only when it returns a result: no other thread is woken otherwise.
    package func wait<Result>(waking: Waking = .all, for body: (inout Value) throws -> Result?) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer {
            wake(waking)
            pthread_mutex_unlock(mutex)
        }
        while true {
            if let result = try body(&value) { return result }
            pthread_cond_wait(changed, mutex)
        }
    }

    private func wake(_ waking: Waking) {
        switch waking {
        case .all: pthread_cond_broadcast(changed)
        case .one: pthread_cond_signal(changed)
        case .none: break
        }
    }
}
