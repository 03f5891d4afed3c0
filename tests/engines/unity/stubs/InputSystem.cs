using UnityEngine.InputSystem.Utilities;

namespace UnityEngine.InputSystem
{
    public sealed class InputAction
    {
        private readonly InputBinding[] _bindings;

        internal InputAction(int bindings)
        {
            _bindings = new InputBinding[bindings];
        }

        internal object Value;

        public ReadOnlyArray<InputBinding> bindings
        {
            get { return new ReadOnlyArray<InputBinding>(_bindings); }
        }

        public bool enabled { get; private set; }

        public TValue ReadValue<TValue>() where TValue : struct
        {
            return Value == null ? default(TValue) : (TValue)Value;
        }

        public void Enable()
        {
            enabled = true;
        }

        public void Disable()
        {
            enabled = false;
        }
    }

    public struct InputBinding
    {
    }

    public class InputActionReference : ScriptableObject
    {
    }

    public struct InputActionProperty
    {
        public InputActionProperty(InputAction action)
        {
            this.action = action;
            reference = null;
        }

        public InputAction action { get; }

        public InputActionReference reference { get; }
    }
}

namespace UnityEngine.InputSystem.Utilities
{
    public struct ReadOnlyArray<TValue>
    {
        private readonly TValue[] _array;

        public ReadOnlyArray(TValue[] array)
        {
            _array = array;
        }

        public int Count
        {
            get { return _array == null ? 0 : _array.Length; }
        }
    }
}
