using System;
using System.Text;

namespace Genlock
{
    /// <summary>What kind of value comes next.</summary>
    internal enum MsgPackType
    {
        Nil,
        Bool,
        Int,
        Float,
        String,
        Binary,
        Array,
        Map,
        Extension,
    }

    /// <summary>
    /// Reads msgpack from a part of a buffer. It allocates nothing but the strings and arrays that are asked for.
    /// Every count is held against the bytes that are left before anything is made of it.
    /// </summary>
    internal sealed class MsgPackReader
    {
        private const int MaxDepth = 64;

        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, true);

        private byte[] _bytes = new byte[0];
        private int _end;

        internal int Position { get; private set; }

        internal bool AtEnd
        {
            get { return Position >= _end; }
        }

        internal void Begin(byte[] bytes, int offset, int count)
        {
            _bytes = bytes;
            Position = offset;
            _end = offset + count;
        }

        /// <summary>Goes back to a <see cref="Position"/> of before.</summary>
        internal void Rewind(int position)
        {
            Position = position;
        }

        internal MsgPackType Peek()
        {
            Need(1);
            var format = _bytes[Position];
            if (format < 0x80 || format >= 0xe0 || (format >= 0xcc && format <= 0xd3))
            {
                return MsgPackType.Int;
            }
            if (format < 0x90 || format == 0xde || format == 0xdf)
            {
                return MsgPackType.Map;
            }
            if (format < 0xa0 || format == 0xdc || format == 0xdd)
            {
                return MsgPackType.Array;
            }
            if (format < 0xc0 || (format >= 0xd9 && format <= 0xdb))
            {
                return MsgPackType.String;
            }
            switch (format)
            {
                case 0xc0:
                    return MsgPackType.Nil;
                case 0xc2:
                case 0xc3:
                    return MsgPackType.Bool;
                case 0xc4:
                case 0xc5:
                case 0xc6:
                    return MsgPackType.Binary;
                case 0xca:
                case 0xcb:
                    return MsgPackType.Float;
                case 0xc1:
                    throw new MsgPackException("the byte 0xc1, which begins no value");
                default:
                    return MsgPackType.Extension;
            }
        }

        internal void Nil()
        {
            Expect(MsgPackType.Nil, "nil");
            Position++;
        }

        internal bool Bool()
        {
            Expect(MsgPackType.Bool, "a boolean");
            return _bytes[Position++] == 0xc3;
        }

        internal long Int()
        {
            Expect(MsgPackType.Int, "an integer");
            var format = _bytes[Position++];
            switch (format)
            {
                case 0xcc:
                    return (long)Big(1);
                case 0xcd:
                    return (long)Big(2);
                case 0xce:
                    return (long)Big(4);
                case 0xcf:
                    var value = Big(8);
                    if (value > long.MaxValue)
                    {
                        throw new MsgPackException("the integer " + value + ", which is larger than 2^63 - 1");
                    }
                    return (long)value;
                case 0xd0:
                    return (sbyte)Big(1);
                case 0xd1:
                    return (short)Big(2);
                case 0xd2:
                    return (int)Big(4);
                case 0xd3:
                    return (long)Big(8);
                default:
                    return (sbyte)format;
            }
        }

        /// <summary>A float 64, a float 32 or any integer.</summary>
        internal double Float()
        {
            if (Peek() == MsgPackType.Int)
            {
                return Int();
            }
            Expect(MsgPackType.Float, "a float");
            if (_bytes[Position++] == 0xcb)
            {
                return BitConverter.Int64BitsToDouble((long)Big(8));
            }
            return Single((uint)Big(4));
        }

        internal string String()
        {
            int offset, count;
            StringSpan(out offset, out count);
            try
            {
                return Utf8.GetString(_bytes, offset, count);
            }
            catch (ArgumentException)
            {
                throw new MsgPackException("a string that is not UTF-8");
            }
        }

        /// <summary>Where in the buffer the UTF-8 of a string lies.</summary>
        internal void StringSpan(out int offset, out int count)
        {
            Expect(MsgPackType.String, "a string");
            var format = _bytes[Position++];
            switch (format)
            {
                case 0xd9:
                    count = Count(1);
                    break;
                case 0xda:
                    count = Count(2);
                    break;
                case 0xdb:
                    count = Count(4);
                    break;
                default:
                    count = format & 0x1f;
                    break;
            }
            Need(count);
            offset = Position;
            Position += count;
        }

        /// <summary>Whether the bytes of a string are those of a word of ASCII.</summary>
        internal bool Matches(int offset, int count, string word)
        {
            if (count != word.Length)
            {
                return false;
            }
            for (var i = 0; i < count; i++)
            {
                if (_bytes[offset + i] != word[i])
                {
                    return false;
                }
            }
            return true;
        }

        /// <summary>The next string as one of those that are expected, without making it anew; else as a new one.</summary>
        internal string OneOf(string[] words)
        {
            var from = Position;
            int offset, count;
            StringSpan(out offset, out count);
            for (var i = 0; i < words.Length; i++)
            {
                if (Matches(offset, count, words[i]))
                {
                    return words[i];
                }
            }
            Position = from;
            return String();
        }

        internal byte[] Binary()
        {
            int offset, count;
            BinarySpan(out offset, out count);
            var value = new byte[count];
            Buffer.BlockCopy(_bytes, offset, value, 0, count);
            return value;
        }

        internal void BinarySpan(out int offset, out int count)
        {
            Expect(MsgPackType.Binary, "bytes");
            var format = _bytes[Position++];
            count = Count(format == 0xc4 ? 1 : format == 0xc5 ? 2 : 4);
            Need(count);
            offset = Position;
            Position += count;
        }

        /// <summary>A blob of float 32 into an array that is used again, or a longer one; how many they are.</summary>
        internal int Blob(ref float[] values)
        {
            int offset, count;
            BinarySpan(out offset, out count);
            if (count % 4 != 0)
            {
                throw new MsgPackException("a blob of " + count + " bytes, which is no whole number of float32");
            }
            if (values.Length < count / 4)
            {
                values = new float[count / 4];
            }
            Buffer.BlockCopy(_bytes, offset, values, 0, count);
            return count / 4;
        }

        internal int ArrayHeader()
        {
            Expect(MsgPackType.Array, "an array");
            var format = _bytes[Position++];
            var count = format == 0xdc ? Count(2) : format == 0xdd ? Count(4) : format & 0x0f;
            Need(count);
            return count;
        }

        internal int MapHeader()
        {
            Expect(MsgPackType.Map, "a map");
            var format = _bytes[Position++];
            var count = format == 0xde ? Count(2) : format == 0xdf ? Count(4) : format & 0x0f;
            if (count > (_end - Position) / 2)
            {
                throw new MsgPackException("a map of " + count + " keys in " + (_end - Position) + " bytes");
            }
            return count;
        }

        /// <summary>Goes past the next value, whatever it is.</summary>
        internal void Skip()
        {
            Skip(0);
        }

        private void Skip(int depth)
        {
            if (depth > MaxDepth)
            {
                throw new MsgPackException("more than " + MaxDepth + " arrays and maps inside each other");
            }
            int offset, count;
            switch (Peek())
            {
                case MsgPackType.Nil:
                case MsgPackType.Bool:
                    Position++;
                    break;
                case MsgPackType.Int:
                    if (_bytes[Position] == 0xcf)
                    {
                        Position++;
                        Big(8);
                    }
                    else
                    {
                        Int();
                    }
                    break;
                case MsgPackType.Float:
                    Float();
                    break;
                case MsgPackType.String:
                    StringSpan(out offset, out count);
                    break;
                case MsgPackType.Binary:
                    BinarySpan(out offset, out count);
                    break;
                case MsgPackType.Array:
                    for (var left = ArrayHeader(); left > 0; left--)
                    {
                        Skip(depth + 1);
                    }
                    break;
                case MsgPackType.Map:
                    for (var left = MapHeader(); left > 0; left--)
                    {
                        Skip(depth + 1);
                        Skip(depth + 1);
                    }
                    break;
                default:
                    SkipExtension();
                    break;
            }
        }

        private void SkipExtension()
        {
            var format = _bytes[Position++];
            int count;
            if (format >= 0xd4 && format <= 0xd8)
            {
                count = 1 << (format - 0xd4);
            }
            else
            {
                count = Count(format == 0xc7 ? 1 : format == 0xc8 ? 2 : 4);
            }
            Need(1);
            Position++;
            Need(count);
            Position += count;
        }

        private void Expect(MsgPackType type, string words)
        {
            var there = Peek();
            if (there != type)
            {
                throw new MsgPackException(words + " was expected, " + there + " is there");
            }
        }

        private int Count(int bytes)
        {
            var count = Big(bytes);
            if (count > int.MaxValue)
            {
                throw new MsgPackException("a length of " + count);
            }
            return (int)count;
        }

        private ulong Big(int bytes)
        {
            Need(bytes);
            ulong value = 0;
            for (var i = 0; i < bytes; i++)
            {
                value = (value << 8) | _bytes[Position++];
            }
            return value;
        }

        private void Need(int count)
        {
            if (count > _end - Position)
            {
                throw new MsgPackException("cut short: " + count + " bytes were expected, " + (_end - Position) + " are left");
            }
        }

        /// <summary>A float 32 from its bits, with nothing allocated (BitConverter can only from an array).</summary>
        private static float Single(uint bits)
        {
            return new SingleBits { Bits = bits }.Value;
        }

        [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit)]
        private struct SingleBits
        {
            [System.Runtime.InteropServices.FieldOffset(0)]
            internal uint Bits;

            [System.Runtime.InteropServices.FieldOffset(0)]
            internal float Value;
        }
    }
}
