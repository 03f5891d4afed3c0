using System;

namespace Genlock
{
    /// <summary>Why something that was asked of the daemon did not happen.</summary>
    public sealed class GenlockException : Exception
    {
        /// <summary>With one of <see cref="ErrorCodes"/> and words to act on.</summary>
        public GenlockException(string code, string message, string key = "")
            : base(message)
        {
            Code = code;
            Key = key;
        }

        /// <summary>One of <see cref="ErrorCodes"/>, or one that is newer.</summary>
        public string Code { get; }

        /// <summary>Where in the message, as a path; empty: nowhere.</summary>
        public string Key { get; }
    }
}
